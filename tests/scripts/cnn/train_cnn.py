"""LeNet-like network on the 8x8 digits, with a little augmentation."""
import random

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn
from paddle.io import DataLoader, Dataset
from paddle.vision import transforms as T
from PIL import Image
from sklearn.datasets import load_digits

SEED = 2023


class DigitImages(Dataset):
    def __init__(self, images, labels, transform=None):
        super().__init__()
        self.images, self.labels, self.transform = images, labels, transform

    def __getitem__(self, idx):
        img = Image.fromarray(self.images[idx])
        if self.transform is not None:
            img = self.transform(img)
        return np.asarray(img, dtype="float32")[None] / 16.0, self.labels[idx]

    def __len__(self):
        return len(self.images)


class Net(nn.Layer):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv1 = nn.Conv2D(1, 8, 3, padding=1)
        self.bn1 = nn.BatchNorm2D(8)
        self.pool = nn.MaxPool2D(2, 2)
        self.conv2 = nn.Conv2D(8, 16, 3, padding=1)
        self.drop = nn.Dropout(p=0.5)
        self.fc = nn.Linear(16 * 2 * 2, num_classes)

    def forward(self, x):
        x = self.pool(F.relu(self.bn1(self.conv1(x))))
        x = self.pool(F.relu(self.conv2(x)))
        return self.fc(self.drop(paddle.flatten(x, 1)))


def evaluate(model, loader):
    model.eval()
    right = total = 0
    with paddle.no_grad():
        for img, label in loader:
            right += int((model(img).argmax(1) == label).sum())
            total += len(label)
    model.train()
    return right / total


if __name__ == "__main__":
    random.seed(SEED)
    np.random.seed(SEED)
    paddle.seed(SEED)
    digits = load_digits()
    images = digits.images[:720].astype("uint8")
    labels = digits.target[:720].astype("int64")
    augment = T.Compose([T.RandomCrop(8, padding=1), T.RandomHorizontalFlip(0.1)])
    train_loader = DataLoader(DigitImages(images[:540], labels[:540], augment), batch_size=32, shuffle=True, drop_last=True)
    val_loader = DataLoader(DigitImages(images[540:], labels[540:]), batch_size=90)
    model = Net()
    optimizer = paddle.optimizer.Momentum(0.01, momentum=0.9, parameters=model.parameters(), weight_decay=5e-4)
    for epoch in range(2):
        for step, (img, label) in enumerate(train_loader):
            loss = F.cross_entropy(model(img), label)
            loss.backward()
            optimizer.step()
            optimizer.clear_grad()
            if step % 8 == 0:
                print(f"Epoch [{epoch + 1}/2], Step [{step}/{len(train_loader)}], Loss: {loss.item():.4f}")
        print(f"Val Acc: {evaluate(model, val_loader) * 100:.2f}%")
