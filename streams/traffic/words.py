"""The words, English and Chinese, that simulated questions and answers about twelve topics are made of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """What can be said about one topic in one language; any verb goes with any thing."""

    things: tuple[str, ...]
    verbs: tuple[str, ...]
    steps: tuple[str, ...]
    causes: tuple[str, ...]


def _words(things: str, verbs: str, steps: str, causes: str) -> Words:
    return Words(*(tuple(part.strip() for part in listed.split("|")) for listed in (things, verbs, steps, causes)))


WORDS = {
    "billing": {
        "en": _words(
            "the invoice | the refund | the receipt | the saved card | the yearly plan | the discount code"
            " | the tax line",
            "check | correct | cancel | download | dispute | renew",
            "open the billing page and pick the month | compare the amount with your bank statement"
            " | send us the order number | remove the old card and add it again | ask for a corrected copy",
            "the payment was taken twice | the card was declined | the price changed overnight"
            " | the code had already been used | the address on file was out of date",
        ),
        "zh": _words(
            "发票 | 退款 | 收据 | 绑定的银行卡 | 年度套餐 | 优惠码 | 税额",
            "核对 | 更正 | 取消 | 下载 | 申诉 | 续订",
            "打开账单页面并选择月份 | 把金额和银行流水对照一下 | 把订单号发给我们 | 删除旧卡再重新添加"
            " | 申请一份更正后的副本",
            "同一笔款扣了两次 | 银行卡被拒绝 | 价格一夜之间变了 | 优惠码已经用过 | 登记的地址过期了",
        ),
    },
    "parcels": {
        "en": _words(
            "the parcel | the delivery date | the pick-up point | the return label | the customs form"
            " | the tracking page",
            "trace | change | confirm | report | postpone | print",
            "look up the tracking number | ask the neighbours on your floor | take a photo of the damaged box"
            " | choose another time slot | hand the box in at the counter",
            "the courier rang the wrong bell | the parcel has not moved for days | the label came off in the rain"
            " | the house number was missing | the depot was closed",
        ),
        "zh": _words(
            "包裹 | 送达日期 | 自提点 | 退货单 | 报关单 | 物流信息",
            "查询 | 更改 | 确认 | 上报 | 推迟 | 打印",
            "查一下运单号 | 问问同一层的邻居 | 给破损的箱子拍张照片 | 换一个配送时间 | 把箱子交到柜台",
            "快递员按错了门铃 | 包裹好几天没有动 | 面单被雨淋掉了 | 少写了门牌号 | 网点关门了",
        ),
    },
    "accounts": {
        "en": _words(
            "the password | the second factor | the recovery address | the shared account | the login page"
            " | the session",
            "reset | unlock | change | remove | verify | transfer",
            "request a new link and use it at once | sign out on every device | check the spelling of your address"
            " | scan the code with your phone | clear the stored cookies",
            "the link had expired | the phone was replaced | someone else signed in"
            " | the address was mistyped | too many attempts were made",
        ),
        "zh": _words(
            "密码 | 二次验证 | 找回邮箱 | 共享账号 | 登录页面 | 会话",
            "重置 | 解锁 | 修改 | 移除 | 验证 | 转移",
            "重新申请链接并马上使用 | 在所有设备上退出登录 | 检查邮箱的拼写 | 用手机扫描验证码 | 清除浏览器的缓存",
            "链接已经过期 | 手机换了新的 | 有别人登录过 | 邮箱输错了 | 尝试次数太多",
        ),
    },
    "travel": {
        "en": _words(
            "the train ticket | the hotel room | the rental car | the travel pass | the luggage | the connection",
            "book | change | cancel | confirm | compare | upgrade",
            "check the timetable the evening before | keep the booking number at hand | arrive at the station early"
            " | read the conditions of the fare | call the hotel and ask for a late arrival",
            "the last train was cancelled | the room was sold twice | the strike was announced at night"
            " | the fare excludes changes | the visa took longer than planned",
        ),
        "zh": _words(
            "火车票 | 酒店房间 | 租来的车 | 通票 | 行李 | 中转班次",
            "预订 | 改签 | 取消 | 确认 | 比较 | 升级",
            "前一天晚上查好时刻表 | 随身带好预订号 | 提前到达车站 | 看清票价的条件 | 打电话给酒店说明会晚到",
            "末班车取消了 | 房间被重复预订 | 半夜宣布罢工 | 这种票不能改签 | 签证比预计的慢",
        ),
    },
    "python": {
        "en": _words(
            "the loop | the parser | the test suite | the iterator | the type hints | the exception handler"
            " | the import",
            "rewrite | profile | test | simplify | debug | document",
            "print the value just before the failing line | write the smallest test that fails"
            " | move the slow call out of the loop | read the last line of the traceback | use a dictionary instead",
            "the list changes while it is read | the function returns nothing | a default value is shared"
            " | the file was opened twice | the numbers arrive as text",
        ),
        "zh": _words(
            "循环 | 解析器 | 测试用例 | 迭代器 | 类型标注 | 异常处理 | 导入语句",
            "重写 | 分析 | 测试 | 简化 | 调试 | 注释",
            "在出错的那一行之前打印变量 | 写一个最小的失败测试 | 把耗时的调用移出循环 | 看报错信息的最后一行"
            " | 改用字典",
            "遍历时列表被修改 | 函数没有返回值 | 默认参数被共享 | 文件被打开了两次 | 数字是以文本传来的",
        ),
    },
    "databases": {
        "en": _words(
            "the index | the slow query | the migration | the backup | the foreign key | the connection pool",
            "rebuild | inspect | plan | restore | drop | measure",
            "look at the query plan before anything else | run the statement on a copy"
            " | add the column without a default | limit the rows to a single day | close idle connections",
            "the table has grown tenfold | two writers lock each other | the statistics are stale"
            " | the disk is almost full | the filter cannot use the key",
        ),
        "zh": _words(
            "索引 | 慢查询 | 迁移脚本 | 备份 | 外键 | 连接池",
            "重建 | 检查 | 规划 | 恢复 | 删除 | 测量",
            "先看查询计划 | 在副本上执行一次 | 新增字段时不要带默认值 | 把范围限制在一天之内 | 关闭空闲连接",
            "表的数据涨了十倍 | 两个写入互相锁住 | 统计信息过期 | 磁盘快满了 | 条件用不上主键",
        ),
    },
    "networks": {
        "en": _words(
            "the router | the certificate | the firewall rule | the name server | the load balancer | the health check",
            "restart | renew | trace | replace | open | monitor",
            "ping the next hop first | compare the clock of both machines | look at the log of the last hour"
            " | try the address without the proxy | lower the timeout step by step",
            "the certificate ran out on Sunday | packets are lost on the second link"
            " | the name resolves to two addresses"
            " | the port was closed by an update | the cache still holds the old address",
        ),
        "zh": _words(
            "路由器 | 证书 | 防火墙规则 | 域名服务器 | 负载均衡 | 健康检查",
            "重启 | 更新 | 追踪 | 更换 | 开放 | 监控",
            "先测试下一跳 | 比较两台机器的时间 | 查看最近一小时的日志 | 不走代理再试一次 | 逐步缩短超时时间",
            "证书在周日到期 | 第二条线路丢包 | 域名解析到两个地址 | 端口被更新关闭 | 缓存里还是旧地址",
        ),
    },
    "cooking": {
        "en": _words(
            "the dough | the broth | the rice | the frying pan | the spices | the roast vegetables",
            "prepare | season | warm up | store | cool | serve",
            "add the salt at the very end | let it rest under a cloth | turn the heat down as soon as it boils"
            " | taste before you add more | cut everything to the same size",
            "the oven runs too hot | the sauce has split | the yeast was old | the pan was overcrowded"
            " | the water boiled away",
        ),
        "zh": _words(
            "面团 | 高汤 | 米饭 | 平底锅 | 香料 | 烤蔬菜",
            "准备 | 调味 | 加热 | 保存 | 冷却 | 装盘",
            "最后再放盐 | 盖上布静置一会儿 | 水一开就转小火 | 先尝一尝再加 | 把食材切成一样大小",
            "烤箱温度太高 | 酱汁分层了 | 酵母放得太久 | 锅里放得太满 | 水烧干了",
        ),
    },
    "gardening": {
        "en": _words(
            "the tomatoes | the compost | the hedge | the seedlings | the lawn | the apple tree",
            "water | prune | plant | protect | feed | move",
            "loosen the soil with a fork | water early in the morning | cut just above a bud"
            " | cover the bed before the first frost | leave a hand's width between rows",
            "the leaves turn yellow | slugs came after the rain | the soil is too heavy"
            " | the roots stand in water | the frost came late",
        ),
        "zh": _words(
            "番茄 | 堆肥 | 树篱 | 幼苗 | 草坪 | 苹果树",
            "浇灌 | 修剪 | 种植 | 保护 | 施肥 | 移栽",
            "用叉子松一松土 | 清晨浇水 | 在芽的上方剪 | 初霜之前盖好苗床 | 行与行之间留一掌宽",
            "叶子发黄 | 雨后出现蛞蝓 | 土壤太黏重 | 根部积水 | 霜冻来得晚",
        ),
    },
    "fitness": {
        "en": _words(
            "the morning run | the stretching routine | the knee exercises | the training plan | the rest day",
            "start | shorten | repeat | plan | skip | track",
            "warm up before the first set | keep the back straight | rest a day between two hard sessions"
            " | breathe out on the way up | increase the distance by a tenth a week",
            "the knee hurts on the stairs | the pace was too fast | the shoes are worn out"
            " | sleep was short | the muscles are still sore",
        ),
        "zh": _words(
            "晨跑 | 拉伸动作 | 膝盖练习 | 训练计划 | 休息日",
            "开始 | 缩短 | 重复 | 安排 | 跳过 | 记录",
            "第一组之前先热身 | 保持背部挺直 | 两次高强度训练之间休息一天 | 起身时呼气 | 每周增加十分之一的距离",
            "上楼时膝盖疼 | 配速太快 | 鞋子磨坏了 | 睡眠不足 | 肌肉还在酸痛",
        ),
    },
    "repairs": {
        "en": _words(
            "the dripping tap | the door hinge | the window seal | the wall plug | the washing machine"
            " | the bicycle chain",
            "fix | replace | clean | oil | tighten | take apart",
            "turn off the water at the main valve | take a photo before you loosen a screw"
            " | measure twice and drill once | let the glue dry overnight | wipe the old grease away",
            "the washer is worn | the screw has lost its thread | the drain is blocked"
            " | the wood has swollen | the belt slipped off",
        ),
        "zh": _words(
            "滴水的水龙头 | 门铰链 | 窗户密封条 | 膨胀螺栓 | 洗衣机 | 自行车链条",
            "修理 | 更换 | 清洗 | 上油 | 拧紧 | 拆开",
            "先关掉总水阀 | 拧松螺丝之前拍张照片 | 量两次再钻孔 | 让胶水晾一夜 | 把旧油擦干净",
            "垫圈磨损了 | 螺丝滑丝了 | 排水口堵了 | 木头受潮膨胀 | 皮带脱落了",
        ),
    },
    "astronomy": {
        "en": _words(
            "the telescope | the star chart | the moon | the meteor shower | the double star | the eyepiece",
            "observe | find | draw | photograph | point out | follow",
            "let your eyes get used to the dark | start with the lowest magnification"
            " | find a place away from street lamps | note the time and the direction"
            " | wait for a night without a moon",
            "the haze hides faint stars | the mount is not level | the mirror has dewed up"
            " | the moon is almost full | the planet stands low above the horizon",
        ),
        "zh": _words(
            "望远镜 | 星图 | 月亮 | 流星雨 | 双星 | 目镜",
            "观察 | 寻找 | 描绘 | 拍摄 | 指认 | 跟踪",
            "让眼睛先适应黑暗 | 从最低倍率开始 | 找一个远离路灯的地方 | 记下时间和方向 | 等一个没有月亮的夜晚",
            "薄雾遮住了暗星 | 支架没有放平 | 镜面结露了 | 快到满月了 | 行星离地平线太近",
        ),
    },
}
