"""Lines as programs print them, and the metrics in them."""

import math

import pytest

from sweep.domain.printed import LineSplitter, number_of, read_line

NAN, INF = math.nan, math.inf

LINES = [
    # name: value
    ("loss: 0.5", {"loss": 0.5}),
    ("Loss: 1.2345e-03", {"loss": 1.2345e-03}),
    ("loss : 0.5", {"loss": 0.5}),
    ("loss:0.5", {"loss": 0.5}),
    ("loss: 0.5, acc: 0.91", {"loss": 0.5, "acc": 0.91}),
    ("Epoch 3: loss: 0.25", {"loss": 0.25}),
    ("epoch: 3, train_loss: 0.25, val_acc: 0.9", {"train/loss": 0.25, "val/acc": 0.9}),
    ("Epoch [3/10], Step [100/938], Loss: 0.2512", {"loss": 0.2512}),
    ("Epoch: [3][100/938]\tLoss: 0.25", {"loss": 0.25}),
    ("epoch:3 batch_id:100 loss:[0.25]", {"loss": 0.25}),
    ("Train Loss: 0.5 | Val Loss: 0.6", {"train/loss": 0.5, "val/loss": 0.6}),
    ("\tTrain Loss: 0.501 | Train PPL:   1.650", {"train/loss": 0.501, "train/ppl": 1.65}),
    ("\t Val. Loss: 0.601 |  Val. PPL:   1.824", {"val/loss": 0.601, "val/ppl": 1.824}),
    ("Test set: Average loss: 0.0264, Accuracy: 9912/10000 (99%)",
     {"test/average_loss": 0.0264, "test/accuracy": 0.9912}),
    ("Validation Accuracy: 93.5%", {"val/accuracy": 0.935}),
    ("Validation Accuracy: 93.5 %", {"val/accuracy": 0.935}),
    ("acc: 91.25%, loss: 0.31", {"acc": 0.9125, "loss": 0.31}),
    ("Top-1 accuracy: 0.71", {"top_1_accuracy": 0.71}),
    ("mIoU: 0.4321 Acc: 0.8765 Kappa: 0.8", {"miou": 0.4321, "acc": 0.8765, "kappa": 0.8}),
    ("mean reward: -12.5", {"mean_reward": -12.5}),
    ("lr: 0.001000, loss: 0.25", {"lr": 0.001, "loss": 0.25}),
    ("best acc: 0.93", {"best/acc": 0.93}),
    ("Best val_acc: 0.93", {"best/val/acc": 0.93}),
    ("best_val_acc: 0.93", {"best/val/acc": 0.93}),
    ("final l2 relative error: 0.0123", {"final/l2_relative_error": 0.0123}),
    ("final test_acc: 0.8123", {"final/test/acc": 0.8123}),
    ("F1-score: 0.77", {"f1_score": 0.77}),
    ("f1: .77", {"f1": 0.77}),
    ("D loss: 0.69, G loss: 1.1", {"d_loss": 0.69, "g_loss": 1.1}),
    ("loss_D: 0.69 loss_G: 1.1", {"loss_d": 0.69, "loss_g": 1.1}),
    ("Loss/train: 0.3", {"train/loss": 0.3}),
    ("train/loss: 0.3  val/loss: 0.4", {"train/loss": 0.3, "val/loss": 0.4}),
    ("Training loss (per batch) at step 20: 0.62", {"train/loss": 0.62}),
    ("损失: 0.5, 准确率: 0.9", {"损失": 0.5, "准确率": 0.9}),
    ("训练损失：0.5", {"train/损失": 0.5}),
    ("验证集 准确率：0.9", {"val/准确率": 0.9}),
    ("loss: 12,345.6", {"loss": 12345.6}),
    ("loss: +0.5", {"loss": 0.5}),
    # not finite
    ("loss: nan", {"loss": NAN}),
    ("loss: NaN, acc: 0.1", {"loss": NAN, "acc": 0.1}),
    ("loss: inf", {"loss": INF}),
    ("loss: -inf", {"loss": -INF}),
    ("loss: nanxxx, acc: 0.10", {"loss": NAN, "acc": 0.10}),
    ("epoch 3 loss nan", {"loss": NAN}),
    ("loss=nan", {"loss": NAN}),
    # name=value
    ("loss=0.5", {"loss": 0.5}),
    ("loss = 0.5 acc = 0.9", {"loss": 0.5, "acc": 0.9}),
    ("epoch=3 loss=0.5 val_loss=0.6", {"loss": 0.5, "val/loss": 0.6}),
    ("step=100, loss=0.5, time=12.5s", {"loss": 0.5}),
    ("loss=0.5000, grad_norm=1.25", {"loss": 0.5, "grad_norm": 1.25}),
    ("[train] epoch=1 loss=0.5 acc=0.8", {"train/loss": 0.5, "train/acc": 0.8}),
    # name value
    ("loss 0.5", {"loss": 0.5}),
    ("loss 0.5 acc 0.9", {"loss": 0.5, "acc": 0.9}),
    ("Epoch 3: train_loss 0.2500, val_acc 0.9100", {"train/loss": 0.25, "val/acc": 0.91}),
    ("epoch 3 loss 0.25", {"loss": 0.25}),
    ("Epoch 3/10 loss 0.25 acc 0.9", {"loss": 0.25, "acc": 0.9}),
    ("train loss 0.5 acc 0.8, val loss 0.6 acc 0.7",
     {"train/loss": 0.5, "train/acc": 0.8, "val/loss": 0.6, "val/acc": 0.7}),
    ("Loss 0.5000 (0.6000)\tAcc@1 10.00 (12.00)\tAcc@5 50.00 (52.00)", {"loss": 0.5, "acc1": 10.0, "acc5": 50.0}),
    ("iter 100 loss 0.5 lr 0.01", {"loss": 0.5}),
    ("Step 100 Loss 0.4 Accuracy 0.8", {"loss": 0.4, "accuracy": 0.8}),
    ("eval loss 0.4", {"val/loss": 0.4}),
    ("test acc 0.9", {"test/acc": 0.9}),
    ("batch 10 done", {}),
    ("hidden 128 layers 3", {}),
    ("loss tensor 3", {}),
    # name is value
    ("loss is 0.5", {"loss": 0.5}),
    ("The loss is 0.5", {"loss": 0.5}),
    ("the accuracy of the test set is 0.93", {"test/accuracy": 0.93}),
    ("epoch 3, train loss is: 0.25", {"train/loss": 0.25}),
    ("current loss is 0.5, best acc is 0.9", {"loss": 0.5, "best/acc": 0.9}),
    ("best epoch is 5", {}),
    ("the answer is 42", {}),
    ("epoch: 0, batch_id: 0, loss is: [2.3], acc is: [0.125]", {"loss": 2.3, "acc": 0.125}),
    # loggers
    ("2026-11-29 10:00:00,123 - INFO - loss: 0.5", {"loss": 0.5}),
    ("2026-11-29 10:00:00 INFO loss: 0.5", {"loss": 0.5}),
    ("[2026-11-29 10:00:00] loss: 0.5", {"loss": 0.5}),
    ("[2026/11/29 10:00:00] ppocr INFO: epoch: [1/10], global_step: 10, lr: 0.001000, acc: 0.25, loss: 3.2, "
     "avg_reader_cost: 0.1 s, avg_batch_cost: 0.5 s, avg_samples: 8.0, ips: 16.0 samples/s, eta: 0:10:00",
     {"lr": 0.001, "acc": 0.25, "loss": 3.2}),
    ("2026-11-29 10:00:00 [INFO]\t[TRAIN] epoch: 1, iter: 10/1000, loss: 0.9, lr: 0.01, batch_cost: 0.1, "
     "reader_cost: 0.01, ips: 20.1 samples/sec | ETA 00:01:39", {"train/loss": 0.9, "train/lr": 0.01}),
    ("2026-11-29 10:00:00 [INFO]\t[EVAL] #Images: 500 mIoU: 0.7 Acc: 0.9 Kappa: 0.8 Dice: 0.82",
     {"val/miou": 0.7, "val/acc": 0.9, "val/kappa": 0.8, "val/dice": 0.82}),
    ("INFO:root:loss: 0.5", {"loss": 0.5}),
    ("INFO:__main__:epoch 3 loss 0.5", {"loss": 0.5}),
    ("[INFO] loss: 0.5", {"loss": 0.5}),
    ("INFO - loss=0.5", {"loss": 0.5}),
    ("I1129 10:00:00.123456 12345 train.cc:12] loss: 0.5", {"loss": 0.5}),
    ("2026-11-29 10:00:00.123 | INFO     | __main__:train:42 - loss: 0.5", {"loss": 0.5}),
    ("10:00:00 train.py:42 loss: 0.5", {"loss": 0.5}),
    ("[train.py:42] loss: 0.5", {"loss": 0.5}),
    ("\x1b[32m2026-11-29 10:00:00\x1b[0m | \x1b[1mINFO\x1b[0m | loss: \x1b[31m0.5\x1b[0m", {"loss": 0.5}),
    ("[11/29 10:00:00] ppdet.engine INFO: Epoch: [0] [ 0/100] learning_rate: 0.001 loss: 5.25 loss_bbox: 1.5 "
     "eta: 0:20:00 batch_cost: 1.2 data_cost: 0.1 ips: 1.6 images/s",
     {"learning_rate": 0.001, "loss": 5.25, "loss_bbox": 1.5}),
    ("[2026/11/29 10:00:00] ppcls INFO: [Train][Epoch 1/20][Iter: 10/50]lr(CosineAnnealingDecay): 0.01, top1: 0.3, "
     "top5: 0.6, CELoss: 2.1, loss: 2.1, batch_cost: 0.5s, reader_cost: 0.1, ips: 64.0 samples/s, eta: 0:05:00",
     {"train/lr": 0.01, "train/top1": 0.3, "train/top5": 0.6, "train/celoss": 2.1, "train/loss": 2.1}),
    # progress bars
    ("Epoch 1:  45%|####5     | 45/100 [00:03<00:03, 14.2it/s, loss=0.53, acc=0.8]", {"loss": 0.53, "acc": 0.8}),
    ("100%|##########| 100/100 [00:07<00:00, 14.2it/s]", {}),
    ("Training: 10%|#         | 10/100 [00:01<00:09, 9.8it/s]", {}),
    ("loss: 0.25:  45%|####5     | 45/100 [00:03<00:03, 14.2it/s]", {"loss": 0.25}),
    ("step 10/938 - loss: 0.5 - acc: 0.9 - 12ms/step", {"loss": 0.5, "acc": 0.9}),
    ("step  10/938 [..............] - loss: 0.5 - acc_top1: 0.9 - acc_top5: 0.99 - ETA: 10s - 12ms/step",
     {"loss": 0.5, "acc_top1": 0.9, "acc_top5": 0.99}),
    ("Eval begin...", {}),
    ("Eval samples: 1000", {}),
    ("938/938 [==============================] - 3s 3ms/step - loss: 0.25 - accuracy: 0.91",
     {"loss": 0.25, "accuracy": 0.91}),
    # what wraps a number
    ("loss: Tensor(shape=[1], dtype=float32, place=Place(cpu), stop_gradient=False, [0.5])", {"loss": 0.5}),
    ("loss Tensor(shape=[], dtype=float32, place=Place(cpu), stop_gradient=True, 0.25)", {"loss": 0.25}),
    ("loss: [0.5]", {"loss": 0.5}),
    ("loss: [[0.5]]", {"loss": 0.5}),
    ("loss: array([0.5], dtype=float32)", {"loss": 0.5}),
    ("loss: np.float32(0.5), acc: np.float64(0.9)", {"loss": 0.5, "acc": 0.9}),
    ("loss: '0.5'", {"loss": 0.5}),
    ("{'loss': 0.5, 'acc': 0.9}", {"loss": 0.5, "acc": 0.9}),
    ('{"epoch": 3, "train_loss": 0.5, "lr": 0.01}', {"train/loss": 0.5, "lr": 0.01}),
    ("{'loss': array(0.5, dtype=float32)}", {"loss": 0.5}),
    ("('loss', 0.5)", {}),
    ("OrderedDict([('loss', 0.5)])", {}),
    ("loss: tensor(0.5)", {"loss": 0.5}),
    # separated by bars and dashes
    ("epoch 3 | loss 0.5 | acc 0.9", {"loss": 0.5, "acc": 0.9}),
    ("| epoch   3 |   100/  938 batches | lr 0.01 | ms/batch 12.5 | loss  5.10 | ppl   164.0",
     {"loss": 5.1, "ppl": 164.0}),
    ("Epoch: 03 | Time: 0m 12s", {}),
    ("epoch 3 - loss: 0.5 - val_loss: 0.6", {"loss": 0.5, "val/loss": 0.6}),
    ("--- epoch 3 --- loss --- 0.5", {}),
    ("loss -> 0.5", {"loss": 0.5}),
    ("[Eval] epoch 3, acc 0.9", {"val/acc": 0.9}),
    ("Evaluation: acc=0.9 f1=0.8", {"val/acc": 0.9, "val/f1": 0.8}),
    ("==> test: loss 0.5", {"test/loss": 0.5}),
    # what is no metric
    ("Time: 12.5s", {}),
    ("time cost: 12.5", {}),
    ("epoch time: 3.2 s", {}),
    ("speed: 120.5 samples/s", {}),
    ("ips: 64.0", {}),
    ("eta: 0:10:00", {}),
    ("memory: 1024 MB", {}),
    ("batch_size: 64", {}),
    ("batch_size=64, epochs=10, seed=0", {}),
    ("Namespace(lr=0.001, epochs=10, loss='ce', seed=0)", {}),
    ("Total params: 61,706", {}),
    ("Trainable params: 61,706", {}),
    ("Epoch 3/10", {}),
    ("step 100", {}),
    ("paddle version: 3.3.1", {}),
    ("Python 3.11.7", {}),
    ("saved to output/epoch_3/model.pdparams", {}),
    ("loading data from /data/2026/11/29", {}),
    ("Using 4 workers", {}),
    ("0.5 0.6 0.7", {}),
    ("(3, 0.5)", {}),
    ("[0.5, 0.6]", {}),
    ("loss: [0.5, 0.6]", {}),
    ("1000      [1.23e-02, 4.5e-03]    [1.30e-02, 4.0e-03]    [2.1e-01]", {}),
    ("http://localhost:8040/?loss=3", {}),
    ("train samples: 1437, test samples: 360", {}),
    ("2026-11-29 10:00:00", {}),
    ("", {}),
    ("Best model saved.", {}),
    ("Accuracy on 1000 images", {}),
    ("took 12.5 seconds", {}),
    ("learning rate decayed", {}),
    ("DatasetFolder: 1000 items", {}),
]  # fmt: skip


def _same(found, expected):
    return found.keys() == expected.keys() and all(
        found[name] == value or (math.isnan(found[name]) and math.isnan(value)) for name, value in expected.items()
    )


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_the_metrics_of_a_line(line, expected):
    found = read_line(line).metrics
    assert _same(found, expected), dict(found)


def test_counters_are_set_aside_by_their_name():
    assert read_line("Epoch [3/10], Step [100/938], Loss: 0.25").counters == {"epoch": 3, "step": 100}


def read(*parts):
    lines = LineSplitter()
    found = [line for part in parts for line in lines.feed(part)]
    return [dict(read_line(line).metrics) for line in [*found, *lines.close()] if read_line(line).metrics]


def test_lines_come_in_parts_and_overwrite_one_another():
    assert read("loss: 0.", "5\rloss: 0.4\r", "\nloss: 0.3") == [{"loss": 0.5}, {"loss": 0.4}, {"loss": 0.3}]


def test_a_tensor_over_two_lines_is_one_value():
    tensor = "Tensor(shape=[1], dtype=float32, place=Place(cpu), stop_gradient=False,\n       [0.50000000])"
    assert read(f"loss: {tensor}\nacc: 0.9\n") == [{"loss": 0.5}, {"acc": 0.9}]


def test_a_dump_of_data_is_not_read_for_ever():
    assert read("1 " * 1_000_000, "\nloss: 0.5\n") == [{"loss": 0.5}]


def test_the_last_line_may_have_no_end():
    assert read("loss: 0.5\nacc: 0.", "9") == [{"loss": 0.5}, {"acc": 0.9}]


def test_a_number_as_programs_print_it():
    assert number_of("12,345.5") == 12345.5
    assert number_of(" 93.5 %") == 0.935
    assert math.isnan(number_of("nan"))
    assert number_of("many") is None
