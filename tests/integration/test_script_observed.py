"""What is seen of a program that was not written for sweep: losses, steps, metrics, models."""

import math

import pytest
from observed_program import HEAD, NET, observed, place

import sweep
from sweep.domain.budget import NO_STEP
from sweep.domain.states import StopReason
from sweep.worker.hooks import installed
from sweep.worker.script.ending import NoStepError


@pytest.fixture(autouse=True)
def nothing_is_left():
    before = installed()
    yield
    assert installed() == before


def steps(points):
    return [step for step, _ in points]


# Losses


def test_the_loss_of_each_backward_is_recorded_at_its_step(tmp_path):
    found = observed(tmp_path, "last = train(3)")
    assert steps(found.series["step/loss"]) == [1, 2, 3]
    assert found.series["step/loss"][-1][1] == found.variables["last"].item()
    (site,) = found.inventory.losses
    assert (site.series, site.where, site.calls) == ("step/loss", place(tmp_path, "loss.backward"), 3)
    assert found.inventory.steps == 3


def test_backward_by_function_and_by_minimize(tmp_path):
    found = observed(
        tmp_path,
        """
        loss = F.cross_entropy(net(x), y)
        paddle.autograd.backward([loss])
        opt.step()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        opt.minimize(loss)
        """,
    )
    assert [site.where for site in found.inventory.losses] == [
        place(tmp_path, "autograd.backward"),
        place(tmp_path, "loss.backward()"),
    ]
    assert steps(found.series["step/loss"]) == [1]
    assert steps(found.series["step/loss_2"]) == [2]


def test_minimize_without_backward_has_a_loss_and_a_step(tmp_path):
    found = observed(tmp_path, "opt.minimize(F.cross_entropy(net(x), y))")
    assert steps(found.series["step/loss"]) == [1]


def test_a_loss_of_several_elements_is_their_mean(tmp_path):
    found = observed(
        tmp_path,
        """
        loss = F.cross_entropy(net(x), y, reduction="none")
        loss.backward(paddle.ones_like(loss))
        opt.step()
        """,
    )
    assert found.series["step/loss"][0][1] == pytest.approx(found.variables["loss"].mean().item())


def test_accumulated_losses_are_their_mean(tmp_path):
    found = observed(
        tmp_path,
        """
        losses = []
        for i in range(40):
            loss = F.cross_entropy(net(x[i % 32: i % 32 + 1]), y[i % 32: i % 32 + 1])
            loss.backward()
            losses.append(loss.item())
        opt.step()
        """,
    )
    ((step, value),) = found.series["step/loss"]
    assert step == 1
    assert value == pytest.approx(sum(found.variables["losses"]) / 40)


def test_a_loss_that_was_scaled_for_mixed_precision_is_recorded_as_it_was(tmp_path):
    found = observed(
        tmp_path,
        """
        class Scaler(paddle.amp.GradScaler):
            def scale(self, loss):
                return super().scale(loss) * 1.0
        scaler = paddle.amp.GradScaler(init_loss_scaling=1024.0)
        scaler._enable = True
        scaler._scale = paddle.to_tensor([1024.0])
        loss = F.cross_entropy(net(x), y)
        scaler.scale(loss).backward()
        opt.step()
        """,
    )
    assert found.series["step/loss"][0][1] == pytest.approx(found.variables["loss"].item())


def test_a_nan_is_recorded(tmp_path):
    found = observed(tmp_path, "(F.cross_entropy(net(x), y) * float('nan')).backward(); opt.step()")
    assert math.isnan(found.series["step/loss"][0][1])


# Steps


def test_two_optimizers_count_the_one_that_steps_most_and_never_go_back(tmp_path):
    found = observed(
        tmp_path,
        """
        gen = nn.Linear(2, 4)
        g_opt = paddle.optimizer.Adam(0.01, parameters=gen.parameters())
        for i in range(6):
            d_loss = net(x).mean() - net(gen(paddle.randn([8, 2])).detach()).mean()
            d_loss.backward()
            opt.step(); opt.clear_grad()
            if i % 3 == 2:
                g_loss = -net(gen(paddle.randn([8, 2]))).mean()
                g_loss.backward()
                g_opt.step(); g_opt.clear_grad()
        """,
    )
    assert steps(found.series["step/loss"]) == [1, 2, 3, 4, 5, 6]
    assert steps(found.series["step/loss_2"]) == [3, 6]
    assert [site.where for site in found.inventory.losses] == [
        place(tmp_path, "d_loss.back"),
        place(tmp_path, "g_loss.back"),
    ]
    assert found.inventory.steps == 6


def test_a_new_optimizer_in_each_stage_counts_on(tmp_path):
    found = observed(
        tmp_path,
        """
        for stage in range(3):
            opt = paddle.optimizer.Adam(0.01, parameters=net.parameters())
            train(4)
        """,
    )
    assert found.inventory.steps == 12


def test_a_step_within_a_step_is_one(tmp_path):
    found = observed(
        tmp_path,
        """
        opt = paddle.incubate.LookAhead(opt, alpha=0.5, k=2)
        for _ in range(3):
            F.cross_entropy(net(x), y).backward()
            opt.step(); opt.clear_grad()
        """,
    )
    assert found.inventory.steps == 3


def test_the_budget_ends_the_program_before_the_next_step(tmp_path):
    found = observed(
        tmp_path,
        """
        try:
            for i in range(10):
                try:
                    train()
                except Exception:
                    pass
        finally:
            after = i
        """,
        budget_steps=4,
    )
    assert found.is_ended
    assert found.run.stop_reason is StopReason.BUDGET
    assert steps(found.series["step/loss"]) == [1, 2, 3, 4]
    assert found.variables["after"] == 4


def test_a_bare_except_meets_the_end_again_at_the_next_step(tmp_path):
    found = observed(
        tmp_path,
        """
        caught = 0
        for i in range(6):
            try:
                train()
            except:
                caught += 1
        """,
        budget_steps=4,
    )
    assert found.variables["caught"] == 2
    assert steps(found.series["step/loss"]) == [1, 2, 3, 4]


# Printed lines


def test_lines_are_recorded_at_the_step_of_their_moment(tmp_path):
    found = observed(
        tmp_path,
        """
        print("before: acc: 0.1")
        train(2)
        print("epoch 1 val_acc: 0.5")
        train(2)
        print("epoch 2 val_acc: 0.6")
        print("final acc 0.7", end="")
        """,
    )
    assert found.series["acc"] == [(0, 0.1)]
    assert found.series["val/acc"] == [(2, 0.5), (4, 0.6)]
    assert found.series["final/acc"] == [(4, 0.7)]
    assert found.inventory.metrics == ("acc", "val/acc", "final/acc")


def test_every_way_to_print_is_read_and_the_log_is_what_was_written(tmp_path):
    found = observed(
        tmp_path,
        """
        import subprocess
        handler = logging.StreamHandler(sys.stderr)
        logger = logging.getLogger("observed"); logger.addHandler(handler); logger.setLevel(logging.INFO)
        logger.propagate = False
        class Tee:
            def __init__(self, below): self.below = below; self.kept = []
            def write(self, text): self.kept.append(text); return self.below.write(text)
            def flush(self): self.below.flush()
        sys.stdout = Tee(sys.stdout)
        print("a_loss: 0.1", flush=True)
        logger.info("b_loss: 0.2")
        os.write(1, b"c_loss: 0.3\\n")
        subprocess.run(["echo", "d_loss: 0.4"], check=True)
        sys.stderr.write("e_loss=0.5\\re_loss=0.6\\r\\n")
        train(1)
        logger.removeHandler(handler)
        """,
    )
    for name, value in (("a_loss", 0.1), ("b_loss", 0.2), ("c_loss", 0.3), ("d_loss", 0.4)):
        assert found.series[name] == [(0, value)], name
    assert found.series["e_loss"] == [(0, 0.5), (0, 0.6)]
    assert (tmp_path / "out.log").read_bytes() == (
        b"a_loss: 0.1\nb_loss: 0.2\nc_loss: 0.3\nd_loss: 0.4\ne_loss=0.5\re_loss=0.6\r\n"
    )


def test_output_sent_to_a_file_of_the_program_is_read(tmp_path):
    found = observed(
        tmp_path,
        """
        sys.stdout = open("%s", "w")
        train(1)
        print("val_acc: 0.5")
        train(1)
        sys.stdout.close()
        """
        % (tmp_path / "own.txt"),
    )
    assert found.series["val/acc"] == [(1, 0.5)]


def test_a_pattern_names_what_the_grammar_misses(tmp_path):
    found = observed(
        tmp_path,
        """
        train(1)
        print("[0.81|0.92]")
        """,
        patterns={"val/map": r"\[[\d.]+\|([\d.]+)\]"},
    )
    assert found.series["val/map"] == [(1, 0.92)]


def test_a_long_dump_costs_its_end_only(tmp_path):
    found = observed(
        tmp_path,
        """
        train(1)
        print("x: 0.5 " * 200_000)
        print("val_acc: 0.5")
        train(1)
        """,
    )
    assert found.series["val/acc"] == [(1, 0.5)]


# Other reports


def test_scalars_of_visualdl_by_their_tags(tmp_path):
    found = observed(
        tmp_path,
        """
        from visualdl import LogWriter
        writer = LogWriter(logdir="%s")
        train(2)
        writer.add_scalar(tag="Eval/Acc", value=0.5, step=1)
        writer.add_scalar("train/lr", paddle.to_tensor(0.1), 1)
        writer.close()
        """
        % (tmp_path / "vdl"),
    )
    assert found.series["val/acc"] == [(2, 0.5)]
    assert found.series["train/lr"] == [(2, pytest.approx(0.1))]


def test_logs_of_a_paddle_model_once_and_by_clean_names(tmp_path):
    found = observed(
        tmp_path,
        """
        class Rows(paddle.io.Dataset):
            def __len__(self): return 32
            def __getitem__(self, i): return x[i].numpy(), y[i].numpy()
        model = paddle.Model(net)
        model.prepare(opt, nn.CrossEntropyLoss(), paddle.metric.Accuracy())
        model.fit(Rows(), Rows(), batch_size=8, epochs=3, verbose=2, log_freq=1)
        """,
    )
    assert {name for name in found.series if not name.startswith("watch/")} == {
        "step/loss", "train/loss", "train/acc", "val/loss", "val/acc",
    }  # fmt: skip
    assert steps(found.series["step/loss"]) == list(range(1, 13))
    assert steps(found.series["train/acc"]) == list(range(1, 13))
    assert steps(found.series["val/acc"]) == [4, 8, 12]
    assert found.inventory.epochs == 3


def test_sweep_log_in_a_program_and_outside(tmp_path):
    found = observed(
        tmp_path,
        """
        import sweep
        train(2)
        sweep.log(val_acc=0.5)
        sweep.log(7, f1=0.25)
        """,
    )
    assert found.series["val/acc"] == [(2, 0.5)]
    assert found.series["f1"] == [(2, 0.25)]
    sweep.log(val_acc=0.5)
    assert found.inventory.metrics == ("val/acc", "f1")


def test_a_program_that_updates_its_weights_by_hand_gives_its_steps(tmp_path):
    found = observed(tmp_path, "import sweep\nfor i in range(3): sweep.log(i, loss=1.0 / (i + 1))")
    assert steps(found.series["loss"]) == [0, 1, 2]


# Models, loaders, limits


def test_the_monitor_finds_the_model_of_each_optimizer(tmp_path):
    found = observed(
        tmp_path,
        """
        gen = nn.Sequential(nn.Linear(2, 4))
        g_opt = paddle.optimizer.Adam(0.02, parameters=gen.parameters())
        for i in range(3):
            train(1)
            (-net(gen(paddle.randn([8, 2]))).mean()).backward()
            g_opt.step(); g_opt.clear_grad()
        """,
        watch="light",
    )
    assert found.facts["watch/optimizer"] == "SGD"
    assert found.facts["watch/2/optimizer"] == "Adam"
    assert steps(found.series["watch/grad_norm"]) == [1, 2, 3]
    assert [value for _, value in found.series["watch/2/lr"]] == [0.02] * 3
    assert "watch/weight_std/0" in found.series


def test_one_optimizer_of_two_models_is_watched(tmp_path):
    found = observed(
        tmp_path,
        """
        first, second = nn.Linear(4, 4), nn.Linear(4, 2)
        opt = paddle.optimizer.SGD(0.1, parameters=[*first.parameters(), *second.parameters()])
        for _ in range(3):
            F.cross_entropy(second(first(x)), y).backward()
            opt.step(); opt.clear_grad()
        """,
        head=HEAD,
        watch="light",
    )
    assert steps(found.series["watch/lr"]) == [1, 2, 3]


def test_the_monitor_of_a_paddle_model(tmp_path):
    found = observed(
        tmp_path,
        """
        data = paddle.io.TensorDataset([x, y])
        model = paddle.Model(net)
        model.prepare(opt, nn.CrossEntropyLoss())
        model.fit(data, batch_size=8, epochs=1, verbose=0)
        """,
        watch="light",
    )
    assert steps(found.series["watch/grad_norm"]) == [1, 2, 3]


def test_passes_over_the_training_loader(tmp_path):
    found = observed(
        tmp_path,
        """
        for epoch in range(3):
            for bx, by in paddle.io.DataLoader(paddle.io.TensorDataset([x, y]), batch_size=8, shuffle=True):
                F.cross_entropy(net(bx), by).backward()
                opt.step(); opt.clear_grad()
            for _ in range(2):
                for bx, by in paddle.io.DataLoader(paddle.io.TensorDataset([x, y]), batch_size=16):
                    net(bx)
        """,
    )
    assert (found.inventory.steps, found.inventory.epochs) == (12, 3)


def test_a_program_without_a_loader_has_no_epochs(tmp_path):
    assert observed(tmp_path, "train(2)").inventory.epochs is None


def test_a_graph_that_is_built_as_a_whole_is_a_limit(tmp_path):
    found = observed(
        tmp_path,
        """
        @paddle.jit.to_static(full_graph=True)
        def double(a):
            return a * 2
        train(1)
        """,
    )
    (limit,) = found.inventory.limits
    assert "full_graph=True" in limit
    assert place(tmp_path, "to_static") in limit


# Programs that train nothing


def test_a_program_without_a_step_says_where_backward_was_called(tmp_path):
    with pytest.raises(NoStepError) as raised:
        observed(tmp_path, "F.cross_entropy(net(x), y).backward()")
    assert place(tmp_path, "backward") in str(raised.value)


def test_a_program_without_any_training(tmp_path):
    with pytest.raises(NoStepError):
        observed(tmp_path, "print('hello')")


@pytest.mark.filterwarnings("ignore:Tensor do not have 'place' interface")
def test_minimize_of_a_static_graph_is_no_step(tmp_path):
    with pytest.raises(NoStepError):
        observed(
            tmp_path,
            """
            import paddle
            paddle.enable_static()
            try:
                a = paddle.static.data("a", [None, 4])
                paddle.optimizer.SGD(0.1).minimize(paddle.static.nn.fc(a, 1).mean())
            finally:
                paddle.disable_static()
            """,
        )


def test_the_failure_without_a_step_has_the_name_that_the_study_knows():
    assert NoStepError.__name__ == NO_STEP


def test_a_static_program_is_named_so(tmp_path):
    with pytest.raises(NoStepError) as raised:
        observed(
            tmp_path,
            """
            import paddle
            paddle.enable_static()
            try:
                a = paddle.static.data("a", [None, 4])
                b = paddle.static.nn.fc(a, 2)
                exe = paddle.static.Executor()
                exe.run(paddle.static.default_startup_program())
            finally:
                paddle.disable_static()
            """,
            head="",
        )
    assert "static-graph only" in str(raised.value)


def test_the_values_of_a_training_are_not_changed(tmp_path):
    (tmp_path / "a").mkdir()
    body = "losses = [train(1).item() for _ in range(5)]"
    found = observed(tmp_path / "a", body, watch="light")
    plain = {}
    exec(HEAD + NET + body, plain)
    assert found.variables["losses"] == plain["losses"]
