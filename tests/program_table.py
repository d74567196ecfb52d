"""The programs in tests/scripts: how each is started, and what a trial should find in it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

KNOBS = ("dropout", "weight_decay", "augmentation", "scheduler", "clip", "optimizer", "batch_scale", "shuffle")
"""The knobs whose parts the table has."""
SCRIPTS = Path(__file__).parent / "scripts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program, `entry` in the folder of its name.

    `losses` are the lines of its backward passes, the first one first; `passes` their number for each optimizer step.
    `metrics` are the series that it reports. `parts` are what the knobs would change, each as `KNOB VALUE LINE`.
    `files` are what it writes (`*` for a time); those in `dated` differ between runs by the time. `repeats` is False if
    two runs differ, as it sets no seed.
    """

    name: str
    entry: str
    args: tuple[str, ...] = ()
    losses: tuple[str, ...]
    passes: int = 1
    metrics: tuple[str, ...]
    parts: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    dated: tuple[str, ...] = ()
    repeats: bool = True

    @property
    def folder(self) -> Path:
        """The program as it is in the repository."""
        return SCRIPTS / self.name

    def copy(self, project: Path) -> None:
        """Make `project` a new copy of the program's folder."""
        shutil.rmtree(project, ignore_errors=True)
        shutil.copytree(self.folder, project, ignore=shutil.ignore_patterns("__pycache__"))


PROGRAMS = (
    Program(
        name="accumulate",
        entry="train_accumulate.py",
        passes=4,
        losses=("train_accumulate.py:20",),
        metrics=("train/mse",),
        parts=(
            "batch_scale 8.0 train_accumulate.py:11",
            "optimizer Momentum train_accumulate.py:14",
            "shuffle on train_accumulate.py:11",
        ),
        files=("linear.pdparams",),
    ),
    Program(
        name="amp",
        entry="train_amp.py",
        losses=("train_amp.py:26",),
        metrics=("train/loss", "val/accuracy"),
        parts=("optimizer AdamW train_amp.py:14", "weight_decay 0.05 train_amp.py:14"),
    ),
    Program(
        name="autoencoder",
        entry="ae.py",
        losses=("ae.py:21",),
        metrics=("recon_loss", "val/recon_loss"),
        parts=("optimizer RMSProp ae.py:11",),
        files=("out/encoder.pdparams", "out/losses.npy"),
    ),
    Program(
        name="checkpoint",
        entry="train_resume.py",
        losses=("train_resume.py:35",),
        metrics=("loss", "val/acc"),
        parts=("optimizer Adam train_resume.py:18", "scheduler ExponentialDecay train_resume.py:17"),
        files=(
            "best_model.pdparams",
            "checkpoints/epoch_4.pdopt",
            "checkpoints/epoch_4.pdparams",
            "checkpoints/state.json",
        ),
    ),
    Program(
        name="cnn",
        entry="train_cnn.py",
        losses=("train_cnn.py:73",),
        metrics=("loss", "val/acc"),
        parts=(
            "augmentation None train_cnn.py:65",
            "batch_scale 32.0 train_cnn.py:66",
            "dropout 0.5 train_cnn.py:38",
            "optimizer Momentum train_cnn.py:69",
            "shuffle on train_cnn.py:66",
            "weight_decay 0.0005 train_cnn.py:69",
        ),
    ),
    Program(
        name="final_metric",
        entry="once.py",
        losses=("once.py:15",),
        metrics=("final/macro_f1_score",),
        parts=("optimizer Adam once.py:11",),
    ),
    Program(
        name="functional",
        entry="functional_only.py",
        losses=("functional_only.py:27",),
        metrics=("accuracy", "loss"),
        parts=(
            "dropout 0.15 functional_only.py:21",
            "optimizer Adam functional_only.py:24",
            "weight_decay 0.0001 functional_only.py:24",
        ),
    ),
    Program(
        name="gan",
        entry="train_gan.py",
        losses=("train_gan.py:29", "train_gan.py:34"),
        metrics=("loss_d", "loss_g", "radius"),
        parts=(
            "dropout 0.1 train_gan.py:17",
            "optimizer Adam(beta1=0.5) train_gan.py:18",
            "optimizer Adam(beta1=0.5) train_gan.py:19",
        ),
    ),
    Program(
        name="groups",
        entry="train_groups.py",
        losses=("train_groups.py:27",),
        metrics=("train/loss", "val/acc"),
        parts=(
            "clip 0.5 train_groups.py:12",
            "optimizer AdamW train_groups.py:12",
            "weight_decay 0.001 train_groups.py:12",
            "weight_decay 0.05 train_groups.py:12",
        ),
    ),
    Program(
        name="hapi",
        entry="fit.py",
        losses=("fit.py:38",),
        metrics=("acc", "loss", "train/acc", "train/loss", "val/acc", "val/loss"),
        parts=(
            "batch_scale 16.0 fit.py:38",
            "dropout 0.1 fit.py:31",
            "optimizer Adam fit.py:34",
            "shuffle on fit.py:38",
        ),
        files=("hapi_model/0.pdopt", "hapi_model/0.pdparams", "hapi_model/final.pdopt", "hapi_model/final.pdparams"),
    ),
    Program(
        name="logging_report",
        entry="train_logging.py",
        losses=("train_logging.py:49",),
        metrics=("loss", "lr", "val/acc"),
        parts=("optimizer Adamax train_logging.py:44",),
        files=("log/train.log",),
        dated=("log/train.log",),
    ),
    Program(
        name="lstm",
        entry="train_lstm.py",
        losses=("train_lstm.py:38",),
        metrics=("smooth_loss", "test/acc"),
        parts=("clip 5.0 train_lstm.py:31", "dropout 0.1 train_lstm.py:21", "optimizer Adam train_lstm.py:31"),
    ),
    Program(
        name="main_exit",
        entry="trainer.py",
        losses=("trainer.py:32",),
        metrics=("loss", "val/top1", "val/top3"),
        parts=(
            "batch_scale 60.0 trainer.py:64",
            "optimizer Lamb trainer.py:62",
            "shuffle on trainer.py:64",
            "weight_decay 0.01 trainer.py:62",
        ),
    ),
    Program(
        name="minimize",
        entry="old_style.py",
        losses=("old_style.py:48",),
        metrics=("acc", "loss"),
        parts=("optimizer Adam old_style.py:41",),
    ),
    Program(
        name="mlp",
        entry="train.py",
        losses=("train.py:30",),
        metrics=("acc", "loss"),
        parts=("dropout 0.2 train.py:17", "optimizer Adam train.py:21", "weight_decay 0.0001 train.py:21"),
    ),
    Program(
        name="options",
        entry="run_classifier.py",
        args=("--seed", "3", "--epochs", "6"),
        losses=("run_classifier.py:60",),
        metrics=("acc", "best/acc", "learning_rate", "loss"),
        parts=(
            "batch_scale 16.0 run_classifier.py:50",
            "optimizer Adam run_classifier.py:52",
            "shuffle on run_classifier.py:50",
        ),
        files=("checkpoints/final.pdparams",),
    ),
    Program(
        name="os_exit",
        entry="hard_exit.py",
        losses=("hard_exit.py:16",),
        metrics=("train/l1", "val/l1"),
        parts=("optimizer Adam hard_exit.py:12",),
        files=("net.pdparams",),
    ),
    Program(
        name="own_loader",
        entry="train_numpy.py",
        losses=("train_numpy.py:36",),
        metrics=("train/loss", "val/auc"),
        parts=("dropout 0.25 train_numpy.py:28", "optimizer Adagrad train_numpy.py:29"),
    ),
    Program(
        name="own_scheduler",
        entry="train_noam.py",
        losses=("train_noam.py:28",),
        metrics=("loss", "val/acc"),
        parts=("optimizer SGD train_noam.py:24", "scheduler WarmupCosine train_noam.py:23"),
    ),
    Program(
        name="package",
        entry="tools/train_project.py",
        losses=("../project/engine.py:31",),
        metrics=("train/celoss", "val/top1"),
        parts=(
            "batch_scale 32.0 ../project/engine.py:25",
            "dropout 0.3 ../project/model.py:11",
            "optimizer SGD ../project/engine.py:21",
            "shuffle on ../project/engine.py:25",
        ),
        files=("output/model.pdopt", "output/model.pdparams"),
    ),
    Program(
        name="param_attr",
        entry="train_attr.py",
        losses=("train_attr.py:37",),
        metrics=("loss", "test/accuracy"),
        parts=(
            "optimizer Momentum train_attr.py:32",
            "scheduler PiecewiseDecay train_attr.py:31",
            "weight_decay 0.0001 train_attr.py:32",
            "weight_decay 0.001 train_attr.py:15",
            "weight_decay 1e-05 train_attr.py:19",
        ),
    ),
    Program(
        name="plateau",
        entry="train_plateau.py",
        losses=("train_plateau.py:27",),
        metrics=("lr", "train/loss", "val/loss"),
        parts=(
            "dropout 0.1 train_plateau.py:17",
            "optimizer Adam train_plateau.py:19",
            "scheduler ReduceOnPlateau train_plateau.py:18",
            "weight_decay 0.001 train_plateau.py:19",
        ),
    ),
    Program(
        name="pretrained",
        entry="finetune.py",
        losses=("finetune.py:31",),
        metrics=("train/loss", "val/top1"),
        parts=("dropout 0.1 finetune.py:13", "optimizer Adam finetune.py:27"),
        files=("finetuned.pdparams",),
    ),
    Program(
        name="regression",
        entry="housing.py",
        losses=("housing.py:44",),
        metrics=("loss", "rmse", "test/均方误差"),
        parts=("optimizer SGD housing.py:28", "weight_decay 0.01 housing.py:28"),
        files=("LR_model.pdparams",),
    ),
    Program(
        name="relative_data",
        entry="fit_curve.py",
        losses=("fit_curve.py:14",),
        metrics=("mse",),
        parts=("optimizer Adam fit_curve.py:10",),
        files=("loss.txt", "predictions.csv"),
    ),
    Program(
        name="resnet",
        entry="train_resnet.py",
        losses=("train_resnet.py:21",),
        metrics=("acc", "loss"),
        parts=("optimizer Momentum train_resnet.py:8", "weight_decay 0.0001 train_resnet.py:8"),
    ),
    Program(
        name="seeded_everywhere",
        entry="seeded.py",
        losses=("seeded.py:30",),
        metrics=("accuracy", "loss"),
        parts=("dropout 0.05 seeded.py:21", "optimizer Adam seeded.py:39"),
    ),
    Program(
        name="swallow",
        entry="robust_loop.py",
        losses=("robust_loop.py:23",),
        metrics=("loss", "train/acc"),
        parts=("optimizer Adam robust_loop.py:13",),
    ),
    Program(
        name="tqdm_bar",
        entry="train_bar.py",
        losses=("train_bar.py:20",),
        metrics=("acc", "loss", "val/acc"),
        parts=("batch_scale 50.0 train_bar.py:10", "optimizer Adam train_bar.py:13", "shuffle on train_bar.py:10"),
    ),
    Program(
        name="transformer",
        entry="train_transformer.py",
        losses=("train_transformer.py:50",),
        metrics=("train/loss", "val/accuracy"),
        parts=(
            "clip 1.0 train_transformer.py:45",
            "dropout 0.1 train_transformer.py:16",
            "dropout 0.1 train_transformer.py:17",
            "optimizer AdamW train_transformer.py:45",
            "scheduler LinearWarmup train_transformer.py:42",
            "weight_decay 0.01 train_transformer.py:45",
        ),
    ),
    Program(
        name="unseeded",
        entry="noseed.py",
        repeats=False,
        losses=("noseed.py:12",),
        metrics=("loss",),
        parts=("batch_scale 20.0 noseed.py:8", "optimizer SGD noseed.py:7", "shuffle on noseed.py:8"),
    ),
    Program(
        name="visualdl_log",
        entry="train_vdl.py",
        losses=("train_vdl.py:19",),
        metrics=("train/loss", "train/lr", "val/acc"),
        parts=("optimizer Adam train_vdl.py:12", "weight_decay 0.001 train_vdl.py:12"),
        files=("vdl_log/eval/vdlrecords.*.log", "vdl_log/train/vdlrecords.*.log"),
        dated=("vdl_log/eval/vdlrecords.*.log", "vdl_log/train/vdlrecords.*.log"),
    ),
    Program(
        name="workers",
        entry="train_workers.py",
        losses=("train_workers.py:38",),
        metrics=("train/acc", "train/loss"),
        parts=(
            "batch_scale 32.0 train_workers.py:30",
            "optimizer Adam train_workers.py:32",
            "shuffle on train_workers.py:30",
        ),
    ),
    Program(
        name="yaml_config",
        entry="main.py",
        losses=("main.py:48",),
        metrics=("loss", "lr", "val/mae"),
        parts=(
            "clip 1.0 main.py:35",
            "dropout 0.05 main.py:18",
            "optimizer Adam main.py:35",
            "scheduler StepDecay main.py:32",
            "weight_decay 0.0001 main.py:35",
        ),
    ),
)
