"""A tiny BERT with random weights says which of four topic words prevails in a sentence, with PaddleNLP's Trainer."""

import numpy as np
import paddle
from paddlenlp.trainer import PdArgumentParser, Trainer, TrainingArguments, set_seed
from paddlenlp.transformers import BertConfig, BertForSequenceClassification

VOCAB, LENGTH, TOPICS = 60, 20, 4


class Sentences(paddle.io.Dataset):
    def __init__(self, n, seed):
        rng = np.random.RandomState(seed)
        self.y = rng.randint(0, TOPICS, n)
        topic = 5 + 5 * self.y[:, None] + rng.randint(0, 5, (n, LENGTH))
        noise = rng.randint(5, VOCAB, (n, LENGTH))
        self.x = np.where(rng.rand(n, LENGTH) < 0.4, topic, noise)
        self.x[:, 0] = 1

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return {"input_ids": self.x[i].astype("int64"), "labels": int(self.y[i])}


def metrics(p):
    logits = p.predictions[0] if isinstance(p.predictions, tuple) else p.predictions
    return {"accuracy": float((logits.argmax(-1) == p.label_ids).mean())}


def collate(rows):
    return {
        "input_ids": paddle.to_tensor(np.stack([r["input_ids"] for r in rows])),
        "labels": paddle.to_tensor([r["labels"] for r in rows], dtype="int64"),
    }


def main():
    (args,) = PdArgumentParser(TrainingArguments).parse_args_into_dataclasses()
    set_seed(args.seed)
    model = BertForSequenceClassification(
        BertConfig(
            vocab_size=VOCAB,
            hidden_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=96,
            max_position_embeddings=32,
            num_labels=TOPICS,
        )
    )
    trainer = Trainer(
        model=model,
        args=args,
        data_collator=collate,
        compute_metrics=metrics,
        train_dataset=Sentences(2000, 0),
        eval_dataset=Sentences(300, 1),
    )
    trainer.train()
    print("final eval_accuracy: %.4f" % trainer.evaluate()["eval_accuracy"])


if __name__ == "__main__":
    main()
