"""Warnings of a fictional district as they come, from which each test changes one thing."""

from __future__ import annotations

OWN = "99011141600000"
IDENTIFIER = f"{OWN}_20260716031000"
CAP = "urn:oasis:names:tc:emergency:cap:1.2"


def guotu(
    identifier: str = IDENTIFIER,
    *,
    kind: str = "Alert",
    colour: str = "Red",
    references: str = "",
    status: str = "Actual",
    sent: str = "2026-07-16 03:10:00+08:00",
    geocode: str = "990111003000，990111004000",
    expires: str = "",
    headline: str = "江滨区气象台发布暴雨红色预警[I级/特别严重]",
    sender: str = "江滨区气象台",
    sender_code: str = OWN,
    note: str = "",
    area: str = "",
    event_type: str = "11B03",
    more: str = "",
) -> bytes:
    """国突 XML as the national system sends it."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<alert>
    <identifier>{identifier}</identifier>
    <sender>{sender}</sender>
    <senderCode>{sender_code}</senderCode>
    <sendTime>{sent}</sendTime>
    <status>{status}</status>
    <msgType>{kind}</msgType>
    <scope>Public</scope>
    <code>
        <method>
            <methodName>SMS</methodName>
            <message>江滨区气象台03时10分发布暴雨红色预警：请立即避险。</message>
            <audienceGrp>7f0c2d1e,</audienceGrp>
            <audenceprt>,</audenceprt>
        </method>
        <method><methodName>WEB</methodName><message/><audienceGrp/><audenceprt>,</audenceprt></method>
    </code>
    <secClassification>None</secClassification>
    <note>{note}</note>
    <references>{references}</references>
    {more}
    <info>
        <language>zh-CN</language>
        <eventType>{event_type}</eventType>
        <urgency>Unknown</urgency>
        <severity>{colour}</severity>
        <certainty>Unknown</certainty>
        <effective>{sent}</effective>
        <onset/>
        <expires>{expires}</expires>
        <senderName>签发员</senderName>
        <headline>{headline}</headline>
        <description>预计未来3小时石桥街道、临港街道降雨量将达100毫米以上，请注意防范。</description>
        <instruction>停止户外作业</instruction>
        <web/>
        <resource><resourceDesc>雨量图.png</resourceDesc><size>1024</size><digest>a1b2</digest></resource>
        <area>
            <areaDesc>石桥街道,临港街道</areaDesc>
            <polygon>{area}</polygon>
            <circle/>
            <geocode>{geocode}</geocode>
        </area>
    </info>
</alert>
""".encode()


GEOCODE = "<geocode><valueName>adcode</valueName><value>990111004</value></geocode>"
INFO = """<info>
    <language>{language}</language>
    <category>Met</category>
    <event>{event}</event>
    <urgency>Immediate</urgency>
    <severity>{severity}</severity>
    <certainty>Likely</certainty>
    <expires>2026-07-16T09:00:00+08:00</expires>
    <headline>{headline}</headline>
    <description>{description}</description>
    {more}
    <area><areaDesc>临港</areaDesc>{area}</area>
</info>"""


def info(
    *,
    language: str = "en-GB",
    event: str = "Flood",
    severity: str = "Severe",
    headline: str = "River flood",
    description: str = "The river rises.",
    area: str = GEOCODE,
    more: str = "",
) -> str:
    """An info of CAP 1.2."""
    return INFO.format(
        language=language,
        event=event,
        severity=severity,
        headline=headline,
        description=description,
        area=area,
        more=more,
    )


def cap(
    identifier: str = "FLOOD-1",
    *infos: str,
    kind: str = "Alert",
    references: str = "",
    sender: str = "hydrology@water.example",
    sent: str = "2026-07-16T03:10:00+08:00",
    status: str = "Actual",
    scope: str = "Public",
    more: str = "",
    namespace: str = CAP,
) -> bytes:
    """CAP 1.2."""
    referred = f"<references>{references}</references>" if references else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="{namespace}">
  <identifier>{identifier}</identifier><sender>{sender}</sender><sent>{sent}</sent>
  <status>{status}</status><msgType>{kind}</msgType><scope>{scope}</scope>
  {referred}{more}
  {"".join(infos or (info(),))}
</alert>
""".encode()
