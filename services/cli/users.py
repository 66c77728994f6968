"""`hub users`: the accounts of people."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal, TypeVar

import asyncpg
from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from deploy.local import in_force
from services.cli.keys import Json, minute, on_database
from services.cli.running import CommandFailed, home_of, running
from services.contracts.region import Regions
from services.runtime import accounts, bureau
from services.runtime.access_api import account_row
from services.runtime.settings import Settings

users = App(name="users", help="登录账户：新增、授权、列出、换密码、停用。")

ROLES_ZH = {
    "watch": "值班", "approver": "审批", "clerk": "统计", "reviewer": "审核", "legal": "法制", "signer": "签发",
    "partner": "报送单位", "administrator": "管理", "granter": "授权", "auditor": "审计", "wall": "大屏",
}  # fmt: skip
"""Role → what the person does."""
Role = Literal[
    "watch", "approver", "clerk", "reviewer", "legal", "signer", "partner", "administrator", "granter", "auditor",
    "wall",
]  # fmt: skip


T = TypeVar("T")
Name = Annotated[str, Parameter(name="NAME")]


@users.command
def add(name: str, *, role: Role | None = None, region: str = "", publisher: str = "", json_: Json = False) -> None:
    """新增一个账户。密码只显示这一次。不写 role 的账户，授权之前什么也不能做。

    Parameters
    ----------
    name
        登录名。
    role
        watch 值班、approver 审批、clerk 统计、reviewer 审核、legal 法制、signer 签发、partner 报送单位、
        administrator 管理、granter 授权、auditor 审计、wall 大屏。
    region
        可看的区域代码及其下级（默认全部）。
    publisher
        报送单位（hub keys 的 NAME）；只用于 partner，默认与登录名相同。
    """
    _must_exist(region)
    try:
        _, password = on_database(lambda c: accounts.add_account(c, name, role or "", region, publisher))
    except ValueError as error:
        raise CommandFailed(f"账户没有新增：{error}") from error
    if json_:
        print(json.dumps({"name": name, "password": password}, ensure_ascii=False))
    else:
        print(f"{name}（{_role(role or '')}）的密码只显示这一次，请立即交给本人：\n{password}")


@users.command
def grant(name: Name, /, *, role: Role, region: str = "", publisher: str = "", json_: Json = False) -> None:
    """授权，或改变权限；已登录的须重新登录。

    Parameters
    ----------
    name
        登录名（hub users list）。
    role
        同 hub users add。
    region
        可看的区域代码及其下级（默认全部）。
    publisher
        报送单位；只用于 partner，默认与登录名相同。
    """
    _must_exist(region)
    done = _changed(name, lambda c: accounts.grant(c, name, role, region, publisher))
    _tell(name, done, {"role": role, "region": region}, f"账户 {name} 已授权：{_role(role)}", json_=json_)


@users.command
def withdraw(name: Name, /, *, json_: Json = False) -> None:
    """收回权限，账户保留；已登录的，一秒内处处失效。

    Parameters
    ----------
    name
        登录名（hub users list）。
    """
    done = _changed(name, lambda c: accounts.withdraw(c, name))
    _tell(name, done, {"withdrawn": True}, f"账户 {name} 的权限已收回", json_=json_)


@users.command
def password(name: Name, /, *, json_: Json = False) -> None:
    """换一个新密码，只显示这一次；已登录的须重新登录。

    Parameters
    ----------
    name
        登录名（hub users list）。
    """
    made = _changed(name, lambda c: accounts.reset_password(c, name))
    _tell(name, made, {"password": made}, f"{name} 的新密码只显示这一次，请立即交给本人：\n{made}", json_=json_)


@users.command(name="list")
def list_(*, json_: Json = False) -> None:
    """列出全部账户，包括已停用的。"""
    found = on_database(accounts.list_accounts)
    if json_:
        print(json.dumps([account_row(account) for account in found], ensure_ascii=False))
        return
    table = Table("登录名", "角色", "区域", "新增", "停用")
    for account in found:
        where = account.publisher or account.region or ("全部" if account.role else "")
        table.add_row(account.name, _role(account.role), where, minute(account.created), minute(account.disabled))
    Console().print(table)


@users.command
def disable(name: Name, /, *, json_: Json = False) -> None:
    """停用一个账户；已登录的，一秒内处处失效。

    Parameters
    ----------
    name
        登录名（hub users list）。
    """
    done = _changed(name, lambda c: accounts.disable_account(c, name))
    _tell(name, done, {"disabled": True}, f"账户 {name} 已停用", json_=json_)


def _changed(name: str, act: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    try:
        return on_database(act)
    except ValueError as error:
        if "last administrator" in str(error):
            raise CommandFailed(f"{name} 是最后一个管理账户，没有改变：先用 hub users add 新增一个") from error
        raise CommandFailed(f"账户 {name} 没有改变：{error}") from error


def _tell(name: str, done: object, members: dict[str, Any], text: str, *, json_: bool) -> None:
    if not done:
        raise CommandFailed(f"没有使用中的账户 {name}：用 hub users list 查看")
    print(json.dumps({"name": name, **members}, ensure_ascii=False) if json_ else text)


def _role(role: str) -> str:
    return f"{role} {ROLES_ZH[role]}" if role else "未授权"


def _must_exist(region: str) -> None:
    if region and (regions := _regions()) is not None and region not in regions:
        raise CommandFailed(f"没有区域 {region}：代码见单位目录的 regions.csv")


def _regions() -> Regions | None:
    """The regions of the running hub; None: it runs elsewhere, where this command cannot look."""
    settings = Settings()
    return bureau.load(home_of(settings) / in_force.LINK).regions if running(settings) else None
