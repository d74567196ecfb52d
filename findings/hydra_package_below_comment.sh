#!/usr/bin/env bash
# hydra-core 1.3.8: "# @package _global_" below another comment line is ignored without a message.
#
# Guess:    the directive may follow a licence line or a comment on the file, or Hydra refuses or warns. Blank lines above it are allowed.
# Happens:  the first comment line alone is the header. With any other comment above it the directive is a comment too, and the file's
#           keys land under the group's name (opt.lr) while the key meant (lr) keeps its old value. Exit code 0, no warning.
# Live with it: the directive is the first comment of the file; the file's description comes below it. A look at `--cfg job` shows the keys.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq hydra-core==1.3.8 omegaconf==2.3.1

mkdir -p conf/opt
printf 'defaults:\n  - _self_\n  - opt: first\nlr: 1\n' > conf/config.yaml
printf '# @package _global_\n# A larger step.\nlr: 2\n' > conf/opt/first.yaml
printf '\n\n# @package _global_\nlr: 2\n' > conf/opt/blank.yaml
printf '# A larger step.\n# @package _global_\nlr: 2\n' > conf/opt/second.yaml
cat > app.py <<'PY'
import hydra


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    pass


main()
PY

composed() { venv/bin/python app.py --cfg job "opt=$1" 2>&1 | tr '\n' ' ' | tr -s ' '; }
venv/bin/python -c 'import hydra; print("hydra-core", hydra.__version__)'
first=$(composed first)
blank=$(composed blank)
second=$(composed second)
echo "directive on the first line:       $first"
echo "directive below blank lines:       $blank"
echo "directive below another comment:   $second"
if [ "$first" = "lr: 2 " ] && [ "$blank" = "lr: 2 " ] && [ "$second" = "lr: 1 opt: lr: 2 " ]; then
  echo "as described: below a comment the directive is ignored, lr stays 1"
else
  echo "CHANGED: the behaviour is no longer as described"
  exit 1
fi
