import paddle
from paddle.optimizer.lr import ReduceOnPlateau
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

paddle.seed(0)
features, target = load_diabetes(return_X_y=True)
scaler_x, scaler_y = StandardScaler(), StandardScaler()
features = scaler_x.fit_transform(features)
target = scaler_y.fit_transform(target[:, None])
split = train_test_split(features, target, test_size=0.2, random_state=1)
x_train, x_val, y_train, y_val = (paddle.to_tensor(part, dtype=paddle.float32) for part in split)

model = paddle.nn.Sequential(
    paddle.nn.Linear(10, 20), paddle.nn.BatchNorm1D(20), paddle.nn.ReLU(),
    paddle.nn.Dropout(0.1), paddle.nn.Linear(20, 1))
scheduler = ReduceOnPlateau(learning_rate=0.02, factor=0.5, patience=2, mode="min", verbose=False)
optimizer = paddle.optimizer.Adam(learning_rate=scheduler, parameters=model.parameters(), weight_decay=1e-3)
mse = paddle.nn.MSELoss()

for epoch in range(12):
    model.train()
    for i in range(0, 320, 64):
        loss = mse(model(x_train[i:i + 64]), y_train[i:i + 64])
        optimizer.clear_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with paddle.no_grad():
        val_loss = mse(model(x_val), y_val)
    scheduler.step(val_loss)
    print(f"Epoch {epoch + 1:>3}  train_loss: {loss.item():.4f}  val_loss: {val_loss.item():.4f}  lr: {optimizer.get_lr():.6f}")
