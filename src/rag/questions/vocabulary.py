"""Words that shape a question without being what it is about, Chinese and English."""

from __future__ import annotations

__all__ = [
    "ENGLISH_STOPWORDS",
    "GENERIC_WORDS",
    "MISTAGGED",
    "STOPWORDS",
    "TELLING_CHARACTERS",
    "TITLE_WORDS",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOPWORDS = _words(
    """
    的 了 吗 呢 吧 啊 呀 么 是 在 有 和 与 及 或 为 对 从 到 把 被 将 向 于 以 之 其 该 此 这 那
    哪 谁 几 多 个 些 位 次 项 种 年 月 日 我 你 您 它 他 她 们 我们 你们 它们 他们 她们 自己
    东西 何人 何年 何处 哪种 哪一种 哪一个
    什么 怎么 怎样 怎么样 如何 为什么 为何 多少 多大 多高 多长 多久 哪些 哪个 哪里 哪儿 哪年
    哪几个 几个 几家 几项 什么样 何时 何地 谁的 是否 是不是 有没有 能否 可以 能 会 要 想 请 请问
    告诉 介绍 说说 说 讲 讲讲 谈谈 一下 关于 对于 有关 方面 具体 分别 一共 总共 共 都 也 还 就
    又 再 很 最 更 已 已经 曾 曾经 正在 目前 现在 如今 当前 今年 去年 明年 前年 上年 本年 当年
    全年 年度 时候 什么时候 其中 以及 并 而 但 如果 因为 所以 还是 不 没 没有 不是 来 去 做 做了
    搞 给 让 这份 那份 作 最近 打算 准备 知道 想知道 问 问题 情况 如何样 哪一年 哪一个 第几 几位
    多少个 多少家 有多少 有哪些 等 里 中 上 下 里面 之间 内 达到 实现 完成 取得 进行 开展 包括
    各有 各是 各为 打了 拿了 子 部 斤 写 看 听说 听 据说 到底 究竟 这么 那么 怎么着 想要 能够 咱
    名称 名字 叫 叫做 实际 相比 对比 比较 跟 百分之 百分之几 几成 几倍 多少倍 上一年 同比 过了
    咱们 提到 提出 设定 定 定为 根据 按照 大概 大约 左右 主要 怎么办 干 干了 呐
    所有 全部 每个 各个 任何 甚么 哪些地方 哪条 哪一条 哪几种 哪几天 哪份 哪句 干什么 干嘛 咋办 咋
    里头 那场 这场 这件 这回 算不算 算是 怎么弄 啥意思 好不好 接下来 叫作 提及 由谁来 谁来管
    多长时间 以后 之后 以前 之前 之内 还有 出来 起来 进来 出去 不能 不会 不要 不用 不想 才能 可能
    应该 大家 人家 觉得 是从 相当于
    """
)
"""Chinese words, already segmented, that never count as content."""

MISTAGGED = {
    word: tag
    for tag, words in {
        "n": """
            少年 少儿 青年 老年 中年 童年 成年 晚年 大米 良种 首都 首尔 首相 元首 大连 大足 大同
            也门 马里 永定 三星堆 周恩来 越共 高速 高新 小偷 相声 相机 大自然 真相 好处 难处 长处
            难点 难度 进度 差别 批次 比分 终点 频次 满分 偏好 初衷 预后 日期 生日 周期 潜伏期 赛季
            雨季 汛期 春节 国庆 国庆节 五一 中秋 端午 清明 元宵 青年节 节日 节假日 节庆 假期 暑假
            寒假 暑期 元朝 清朝 明清 唐代 清代 元代 现代 当代 古代 本科 港澳台
        """,
        "v": """
            立法 更新 整顿 徒步 互动 首发 异常 长途 终身 自愿 索要 相处 进步 同意 反对 暂停 重复
            仿真 随机 特许 非公 逾期 过期 酒后 中暑 去世 术后 灾后 战后 震后 赛前 期末 夏季 冬季
            春季 秋季 夏天 冬天 春天 秋天 周末 晚上 夜间 夜里 夜晚 凌晨 早上 中午 上午 下午 傍晚
            雨天 在家 本地 接管 即时
        """,
    }.items()
    for word in words.split()
}
"""Words that name something, with their part of speech: the segmenter's dictionary has them as
adverbs, numerals, pronouns or mere times."""

TELLING_CHARACTERS = frozenset(
    "水路车茶粮煤钢船桥港湖河江海山树林房楼药病电气油盐糖酒牛羊猪鸡鱼米麦棉果菜花草田村"
)
"""Words of a single character that name something."""

GENERIC_WORDS = _words(
    """
    办理
    目标 计划 预期 预计 力争 打算 安排 任务 指标 政府 工作 报告 政府工作报告 工作报告 市政府
    市长 城市 全国 全省 全市 本市 我市 数量 数字 数据 规模 水平 总数 总量 总额 比例 比重 占比 数目
    金额 增长 增长率 增速 增幅 增加 提高 下降 新增 成绩 成果 进展 成效 措施 举措 做法 政策 项目 方式
    内容 结果 变化 突破 涨幅 降幅 涨 跌 上涨 下跌 上升 钱 发展 建设 推进 推动 情形
    预期目标 主要目标 形势 状况 现状 恢复 改善 加强 毛病 好处 说法 态度 样子 日子 手里 办法 认为
    开始 最后 处理 变成 改成 做到 做成 放在 拿到 拿来 拿出 拿下 得到 找到 看到 碰到 碰上 回来 交给
    专门 直接 重新 点头 点名 松口 出面 帮忙 路子 讲究 唱主角 使劲 一口气 头等大事 答应 承认 形容
    概括 解释 冒出来 打交道 说了算
    growth grow grew grown rate increase increased rise rose reach reached percent percentage share
    proportion volume value size progress situation development result results outcome outcomes
    achievement achievements measure measures effort efforts state condition conditions improve
    improved improvement china chinese two three four five six seven eight nine ten bring brought
    run running call called hit face hand draw deal late early earlier good better extra body bodies
    view views promise promised vow vowed claim claimed reported send sent meet met leave
    receive places charge along against part full short
    """
)
"""Words that every report is full of: content, but of little weight by themselves."""

ENGLISH_STOPWORDS = _words(
    """
    appears given sets told
    target targets goal goals plan plans planned set create created according make made get many
    much year years government work report reports provide province city municipality a an the
    of in on at to for from by with about into over under between and or but not no nor so as
    than then is are was were be been being am do does did done has have had having will would
    shall should can could may might must i me my we our us you your he she it its they them
    their this that these those there here what which who whom whose when where why how any some
    all each every both few more most other such only own same too very just also ever still yet
    please tell give show list name say says said annual last current next previous mention
    mentioned kind kinds type types there's what's s t number amount level figure total rank ranks
    ranked ranking rankings yuan rmb million billion trillion
    anybody anyone anything somebody someone something everybody everyone everything nobody nothing
    like tomorrow yesterday tonight fast much far long large big high strong well hard hope hoped
    hopes expect expected expects
    aim aims aimed aiming want wants wanted come came comes go goes went going take takes took taken
    put puts use uses used find found see saw seen count counted counts look looks work works worked
    mean means meant keep keeps kept turn turned help helped helps start started begin began begun
    become became win wins won get gets got stay stayed happen happened happens compare compared
    comparing comparison latest
    recent recently now today already once again still single out off up down around among within
    during since until before after according exactly actually really currently first whose own
    way ways thing things lot lots bit several various respectively roughly approximately average
    day days week weeks month months time times people person anything something everything
    per if though although while besides together away back itself through across ahead
    behind supposed doing making asked ask asks describe described named sort related one
    it's its hasn't didn't doesn't don't isn't aren't wasn't weren't that's let's us whether
    """
)
"""English words that never count as content, unstemmed and lower case."""

TITLE_WORDS = _words(
    """
    national international provincial municipal central chinese people party government state
    congress conference committee council commission meeting session report work city county
    district province town university college school hospital center centre park museum project
    program programme plan festival games new north south east west
    """
)
"""English words with a capital in names of institutions, which name nothing by themselves."""
