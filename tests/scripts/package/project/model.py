from paddle import nn


class Block(nn.Layer):
    def __init__(self, width, drop_prob):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 2 * width)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(drop_prob)

    def forward(self, x):
        return x + self.dropout(self.fc2(self.act(self.fc1(self.norm(x)))))


def build_model(inputs, classes, drop_prob):
    return nn.Sequential(nn.Linear(inputs, 24), Block(24, drop_prob), Block(24, drop_prob), nn.Linear(24, classes))
