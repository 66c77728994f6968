"""The command `hub`: one verb a row, one file a verb; a verb's module is imported only when it is used."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys

from cyclopts import App

VERBS = (
    ("up", "services.cli.up:up", "启动中枢，在前台运行，Ctrl-C 停止"),
    ("down", "services.cli.down:down", "停止正在运行的中枢"),
    ("status", "services.cli.status:status", "正在运行什么，在哪里，是否正常"),
    ("demo", "services.cli.demo:demo", "用示例单位启动：回放一年的数据，再接一路实时数据"),
    ("publish", "services.cli.publish:publish", "把文件中的事件送进中枢"),
    ("import", "services.cli.import_:import_", "把表格（CSV、XLSX）逐行送进中枢，可补录历史"),
    ("statistics", "services.cli.statistics:statistics", "统计项目，或一个项目在任意期间的数字"),
    ("report", "services.cli.report:report", "出一份报告：年报、月报、要情，取数、校核、下载"),
    ("recount", "services.cli.recount:recount_", "按台账重新计数，并与现有数字核对"),
    ("verify", "services.cli.verify:verify_", "核对台账的封条"),
    ("export", "services.cli.export:export_", "导出台账、封条和口径，任何人都能离线核对"),
    ("quarantine", "services.cli.quarantine:quarantine", "读不懂的记录：列出、查看、重新送入"),
    ("keys", "services.cli.keys:keys", "报送单位的钥匙：新增、列出、更换、停用"),
    ("users", "services.cli.users:users", "登录账户"),
    ("bureau", "services.cli.bureau:bureau", "单位目录：新建、检查、生效，与公布的数字核对"),
    ("routes", "services.cli.routes:routes", "叫应路由：某个预警会叫到谁"),
    ("duty", "services.cli.duty:duty", "值班：现在谁在班"),
    ("clock", "services.cli.clock:clock", "测试环境的时钟：向前拨"),
    ("backup", "services.cli.backup:backup", "备份数据库、单位目录和钥匙，中枢照常运行"),
    ("restore", "services.cli.restore:restore", "从备份恢复；之后的记录从 Kafka 补齐，不再通知任何人"),
    ("epoch", "services.cli.epoch:epoch", "Kafka 被清空或回退之后，从头开始新的一轮"),
)
"""Verb, where it is, what it does."""

NOT_RUNNING = "中枢未运行：先执行 make up"


def build() -> App:
    """The command with every verb that this release has."""
    app = App(name="hub", help="应急指挥中枢：接入记录，预警决断，统计计数。", version_flags=["--version"])
    for name, where, about in VERBS:
        if importlib.util.find_spec(where.partition(":")[0]) is not None:
            app.command(where, name=name, help=about)
    return app


def sentence(error: BaseException) -> str | None:
    """What to tell a person about an error that is not a fault in the program; None: it is one."""
    # by name: importing what raises them would cost every verb half a second
    modules = {cls.__module__.partition(".")[0] + "." + cls.__name__ for cls in type(error).__mro__}
    if modules & {"deploy.CannotStart", "services.CommandFailed"}:
        return str(error)
    if isinstance(error, ConnectionRefusedError) or "httpx.ConnectError" in modules:
        return f"{NOT_RUNNING}（{error}）"
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"找不到 {error.filename}"
    if "pydantic_core.ValidationError" in modules:
        return "设置有误：" + " ".join(str(error).split())
    return None


def main() -> None:
    """Entry of the command: a known error is one sentence and exit code 1."""
    try:
        build()()
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
    except BrokenPipeError:  # whoever reads our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        text = sentence(error)
        if text is None:
            raise
        print(f"hub: {text}", file=sys.stderr)
        sys.exit(1)
