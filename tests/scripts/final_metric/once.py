import paddle
from sklearn.datasets import load_wine
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split

paddle.seed(19)
X, y = load_wine(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
X_train, X_test, y_train, y_test = train_test_split(X.astype("float32"), y, random_state=3, stratify=y)
model = paddle.nn.Sequential(paddle.nn.Linear(13, 10), paddle.nn.ReLU(), paddle.nn.Linear(10, 3))
optimizer = paddle.optimizer.Adam(learning_rate=0.02, parameters=model.parameters())
inputs, labels = paddle.to_tensor(X_train), paddle.to_tensor(y_train)
for _ in range(60):
    loss = paddle.nn.functional.cross_entropy(model(inputs), labels)
    loss.backward()
    optimizer.step()
    optimizer.clear_grad()
predicted = model(paddle.to_tensor(X_test)).argmax(axis=1).numpy()
print("Final macro F1 score:", f1_score(y_test, predicted, average="macro"))
