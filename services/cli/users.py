"""`hub users`: the accounts of people."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from deploy.local import in_force
from services.cli.keys import Json, minute, on_database
from services.cli.running import CommandFailed, home_of, running
from services.contracts.region import Regions
from services.runtime import access, bureau
from services.runtime.settings import Settings

users = App(name="users", help="登录账户：新增、列出、停用。")

ROLES_ZH = {
    "watch": "值班", "approver": "审批", "clerk": "统计", "reviewer": "审核", "legal": "法制", "signer": "签发",
    "partner": "报送单位", "administrator": "管理", "granter": "授权", "auditor": "审计", "wall": "大屏",
}  # fmt: skip
"""Role → what the person does."""
Role = Literal[
    "watch", "approver", "clerk", "reviewer", "legal", "signer", "partner", "administrator", "granter", "auditor",
    "wall",
]  # fmt: skip


@users.command
def add(name: str, *, role: Role, region: str = "", json_: Json = False) -> None:
    """新增一个账户。密码只显示这一次。

    Parameters
    ----------
    name
        登录名。
    role
        watch 值班、approver 审批、clerk 统计、reviewer 审核、legal 法制、signer 签发、partner 报送单位、
        administrator 管理、granter 授权、auditor 审计、wall 大屏。
    region
        可看的区域代码及其下级（默认全部）。
    """
    if region and (regions := _regions()) is not None and region not in regions:
        raise CommandFailed(f"没有区域 {region}：代码见单位目录的 regions.csv")
    try:
        _, password = on_database(lambda connection: access.add_account(connection, name, role, region))
    except ValueError as error:
        raise CommandFailed(f"账户没有新增：{error}") from error
    if json_:
        print(json.dumps({"name": name, "password": password}, ensure_ascii=False))
    else:
        print(f"{name}（{ROLES_ZH[role]}）的密码只显示这一次，请立即交给本人：\n{password}")


@users.command(name="list")
def list_(*, json_: Json = False) -> None:
    """列出全部账户，包括已停用的。"""
    found = on_database(access.list_accounts)
    if json_:
        print(json.dumps([_row(account) for account in found], ensure_ascii=False))
        return
    table = Table("登录名", "角色", "区域", "新增", "停用")
    for account in found:
        role = f"{account.role} {ROLES_ZH.get(account.role, '')}".strip()
        table.add_row(account.name, role, account.region or "全部", minute(account.created), minute(account.disabled))
    Console().print(table)


@users.command
def disable(name: Annotated[str, Parameter(name="NAME")], /, *, json_: Json = False) -> None:
    """停用一个账户；已登录的，一秒内处处失效。

    Parameters
    ----------
    name
        登录名（hub users list）。
    """
    try:
        done = on_database(lambda connection: access.disable_account(connection, name))
    except ValueError as error:
        raise CommandFailed(f"{name} 是最后一个管理账户，没有停用：先用 hub users add 新增一个") from error
    if not done:
        raise CommandFailed(f"没有使用中的账户 {name}：用 hub users list 查看")
    print(json.dumps({"name": name, "disabled": True}, ensure_ascii=False) if json_ else f"账户 {name} 已停用")


def _row(account: access.Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "role": account.role,
        "region": account.region,
        "created": account.created.isoformat(),
        "disabled": account.disabled and account.disabled.isoformat(),
    }


def _regions() -> Regions | None:
    """The regions of the running hub; None: it runs elsewhere, where this command cannot look."""
    settings = Settings()
    return bureau.load(home_of(settings) / in_force.LINK).regions if running(settings) else None
