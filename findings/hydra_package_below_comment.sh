#!/usr/bin/env bash
# hydra-core 1.3.8: "# @package _global_" below another comment line is ignored without a message.
#
# Expected: the directive may follow a licence line or another comment, or Hydra fails or warns. Blank lines above it are allowed.
# Happens:  only the first comment line is the header. Below any other comment the directive is an ordinary comment, and the file's
#           keys end up under the group's name (opt.lr) while the intended key (lr) keeps its old value. Exit code 0, no warning.
# Workaround: make the directive the first comment of the file, and put the description below it. `--cfg job` shows the keys.
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
