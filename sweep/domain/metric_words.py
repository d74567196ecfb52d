"""Words in names of metrics, in English and Chinese, and the form in which names are recorded: `split/name`.

Standard library only: trial processes import it.
"""

import re
from collections.abc import Iterable, Mapping


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


SPLITS: Mapping[str, str] = {
    "train": "train", "training": "train", "trn": "train",
    "val": "val", "valid": "val", "validation": "val", "validate": "val",
    "eval": "val", "evaluation": "val", "evaluate": "val", "evaluating": "val", "dev": "val",
    "test": "test", "testing": "test", "tst": "test",
    "训练": "train", "训练集": "train", "验证": "val", "验证集": "val", "评估": "val", "测试": "test", "测试集": "test",
}  # fmt: skip
"""Words for a part of the data, and the split that a metric's name then begins with."""

PHASES: Mapping[str, str] = {"best": "best", "final": "final", "last": "final", "最佳": "best", "最终": "final"}
"""Words before a metric's name that make it another one: the best accuracy so far is not the accuracy."""

METRIC_WORDS = _words(
    "loss losses acc accu accuracy precision prec recall f1 f1score fscore auc roc ap ar map miou iou dice",
    "psnr ssim rmse mae mse mape r2 bleu rouge ppl perplexity top1 top5 top reward return score err error nll",
    "kl elbo fid cer wer eer kappa mcc ndcg mrr hit hmean correlation pearson spearman logloss bce ce hinge",
    "likelihood metric 损失 损失值 准确率 正确率 精度 精确率 召回率 误差",
)
"""Words that name a metric by themselves: only for them is a blank between name and number enough."""

NOT_METRICS = _words(
    "time times cost costs speed eta ips fps memory mem gpu cpu elapsed duration runtime s sec secs second",
    "seconds ms minute minutes min hour hours throughput tokens date version pid seed seeds rank port size",
    "sizes num number numbers count counts counter counters total samples sample images examples example",
    "params parameters param workers classes class length len dim dims dimension channels layers layer hidden",
    "heads depth width height shape epoch epochs step steps iter iters iteration iterations batch batches it",
    "ep episode episodes round rounds global_step worker device devices capability momentum dropout decay",
    "weight_decay warmup patience gamma beta beta1 beta2 eps epsilon interval every freq line id index idx",
    "fold flops gflops macs used available allocated reserved remaining left progress percent in_channels",
    "out_channels maxdets num_workers code pixels",
)
"""Last words of names that are no metrics: times, amounts, counters, settings."""

NOT_METRIC_ENDS = tuple(sorted(_words("耗时 用时 时间 速度 轮次 轮数 步数 个数 数量 大小 次数 总数 轮 样本数")))
"""Ends of Chinese names that are no metrics: times, amounts, counters."""

STOP = _words(
    "the a an and with of for at on in to by from its this that has have had got get gets reached using when",
    "while after before until then now are was were be been current cur model models saved save saving new",
    "improved results result so far dataset data set sets",
)
"""Words at which a name that is read backwards from its number ends."""

_CHINESE_SPLIT = re.compile(
    r"^(训练集|训练(?!集)|验证集|验证(?!集)|评估|测试集|测试(?!集)|最佳|最终)"
    r"(?:上的|上|的)?(?=[\u4e00-\u9fff])"
)


def pieces_of(words: Iterable[str]) -> list[str]:
    """Return the words that names in lower case consist of: `val_acc` and `训练损失` have two."""
    found: list[str] = []
    for word in words:
        for piece in re.split(r"[\s/._\-]+", word):
            while match := _CHINESE_SPLIT.match(piece):
                found.append(match[1])
                piece = piece[match.end() :]
            if piece:
                found.append(piece)
    return found


def is_no_metric(pieces: list[str]) -> bool:
    """Return whether a name of these pieces says time, speed, memory, an amount or a setting."""
    last = pieces[-1]
    return last in NOT_METRICS or "_".join(pieces) in NOT_METRICS or last.endswith(NOT_METRIC_ENDS)


def arranged(pieces: Iterable[str], *, split: str | None = None, phase: str | None = None) -> str | None:
    """Return the name of these pieces, `phase/split/name`; None if they only say split and phase.

    `split` and `phase` are those said elsewhere, for a name that does not say its own.
    """
    pieces = list(pieces)
    phases = list(dict.fromkeys(PHASES[piece] for piece in pieces if piece in PHASES))
    splits = list(dict.fromkeys(SPLITS[piece] for piece in pieces if piece in SPLITS))
    rest = [piece for piece in pieces if piece not in PHASES and piece not in SPLITS]
    if not rest:
        return None
    found = splits[:1] or ([split] if split else [])
    return "/".join([*(phases or ([phase] if phase else [])), *found, "_".join(rest)])


def normal_name(written: str) -> str:
    """Return the name under which a metric that a program calls `written` is recorded: `Val Acc` is `val/acc`."""
    pieces = pieces_of(written.strip().lower().replace("@", "").split())
    return arranged(pieces) or "_".join(pieces) or written


def measure_word(name: str) -> str:
    """Return the word of a name that says what is measured, in lower case: `acc` of `val_acc1`."""
    pieces = [piece for piece in re.split(r"[/._\-@]+", name.lower()) if piece]
    known = [piece for piece in pieces if piece.rstrip("0123456789") in METRIC_WORDS or piece in METRIC_WORDS]
    found = known[-1] if known else (pieces[-1] if pieces else "")
    if found in METRIC_WORDS:
        return found
    bare = _CHINESE_SPLIT.sub("", found)
    return bare if bare in METRIC_WORDS else found.rstrip("0123456789")
