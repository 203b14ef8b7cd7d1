"""The sentence patterns, English and Chinese, into which simulated questions and answers put their words."""

# ruff: noqa: RUF001  # Chinese text has Chinese punctuation

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patterns:
    """How a language asks and answers; {thing}, {other}, {verb}, {step}, {cause}, {time} and {who} are filled in."""

    questions: tuple[str, ...]
    follow_ups: tuple[str, ...]
    openers: tuple[str, ...]
    sentences: tuple[str, ...]
    closers: tuple[str, ...]
    refusals: tuple[str, ...]
    times: tuple[str, ...]
    people: tuple[str, ...]
    system: str
    space: str
    chars_per_token: float


PATTERNS = {
    "en": Patterns(
        questions=(
            "How do I {verb} {thing}?",
            "What is the safest way to {verb} {thing} when {cause}?",
            "I tried to {verb} {thing}, but {cause}. What should I do now?",
            "It looks as if {cause}. Could that have to do with {thing}?",
            "Can you explain in plain words what to do about {thing} when {cause}?",
            "Which should I {verb} first, {thing} or {other}?",
            "Please write a short note to {who} about {thing}: {cause}, and I want to {verb} {other}.",
            "Is there a quick way to {verb} {thing} without touching {other}?",
            "hi, {cause}, do i have to {verb} {thing}",
            "Summarise what I need to know before I {verb} {thing}.",
            "Since last week {cause}, and {who} told me to {verb} {thing}. Is that right?",
            "Give me a checklist to {verb} {thing} within {time}.",
        ),
        follow_ups=(
            "Thanks. Do I still have to {verb} {thing} after that?",
            "That did not help, {cause}. What else?",
            "And what about {thing}?",
            "Could you say that in simpler words?",
            "Why would I {verb} {other} first?",
        ),
        openers=(
            "Here is how to {verb} {thing}.",
            "Happy to help with {thing}.",
            "In short: {step}.",
            "Yes, you can {verb} {thing} yourself.",
            "This happens when {cause}.",
        ),
        sentences=(
            "First, {step}.",
            "After that, {step}.",
            "If {cause}, {step}.",
            "You can {verb} {thing} at any time; that leaves {other} as before.",
            "Most of the trouble comes from {thing}, so start there.",
            "People often {verb} {thing} when they should look at {other} instead.",
            "Keep {thing} and {other} apart, because mixing them up costs time.",
            "Allow {time} to {verb} {thing}.",
            "Should it happen again, {step} and write down what you see.",
            "The reason is simple: {cause}.",
            "Do not {verb} {thing} before you have looked at {other}.",
            "When {cause}, the first place to look is {thing}.",
            "You may also ask {who} to {verb} {thing} for you.",
            "A common mistake is to {verb} {thing} and forget about {other}.",
            "There is no need to {verb} {other} for this.",
            "Wait {time}, then {step}.",
            "To {verb} {thing}, {step}.",
            "Once that is done, {verb} {thing} and compare with {other}.",
            "If you are unsure, {step}, and only then {verb} {thing}.",
            "Some guides say to {verb} {other} first, but that only helps when {cause}.",
            "Within {time} you should see a difference in {thing}.",
            "Leave {other} alone for {time}; {who} will notice if {cause}.",
        ),
        closers=(
            "Let me know how it goes.",
            "If it turns out that {cause}, tell me and we will look again.",
            "I hope this helps.",
            "Shall I also explain how to {verb} {other}?",
        ),
        refusals=(
            "I'm sorry, but I can't help with that.",
            "I am not able to {verb} {thing} on your behalf. Please ask {who}.",
            "I can't give advice on {thing}; that would need someone who can see your case.",
        ),
        times=("a minute", "ten minutes", "half an hour", "two hours", "a day", "three days", "a week"),
        people=("a colleague", "the front desk", "your manager", "a neighbour", "the person in charge", "an expert"),
        system="You help with everyday questions. Answer in the language of the question, say when you are not sure, "
        "and keep to what was asked.",
        space=" ",
        chars_per_token=4.2,
    ),
    "zh": Patterns(
        questions=(
            "请问怎么{verb}{thing}？",
            "{cause}，我该怎么{verb}{thing}？",
            "我试着{verb}{thing}，结果{cause}，现在该怎么办？",
            "能不能用简单的话解释一下，为什么{cause}？",
            "{thing}和{other}，应该先{verb}哪一个？",
            "帮我写一段话给{who}，说明{cause}，需要{verb}{thing}。",
            "有没有办法不动{other}，只{verb}{thing}？",
            "{who}让我先{verb}{thing}，这样对吗？",
            "请列一个清单，教我在{time}之内{verb}{thing}。",
            "在{verb}{thing}之前，我需要知道什么？",
        ),
        follow_ups=(
            "谢谢。那之后还要{verb}{thing}吗？",
            "还是不行，{cause}，还有别的办法吗？",
            "那{thing}呢？",
            "可以说得更简单一点吗？",
        ),
        openers=(
            "您好，下面说明怎么{verb}{thing}。",
            "简单来说，{step}。",
            "可以的，您自己就能{verb}{thing}。",
            "这种情况多半是因为{cause}。",
        ),
        sentences=(
            "首先，{step}。",
            "然后，{step}。",
            "如果{cause}，{step}。",
            "您随时可以{verb}{thing}，这不会影响{other}。",
            "问题大多出在{thing}上，建议从这里开始。",
            "很多人只顾着{verb}{thing}，却忘了看{other}。",
            "请把{thing}和{other}分开处理，混在一起会浪费时间。",
            "一般需要{time}才能{verb}{thing}。",
            "要是再次发生，{step}，并把看到的情况记下来。",
            "原因其实很简单：{cause}。",
            "在确认{other}之前，先不要{verb}{thing}。",
            "当{cause}的时候，最先要看的是{thing}。",
            "您也可以请{who}帮忙{verb}{thing}。",
            "这一步不需要{verb}{other}。",
            "等{time}之后，{step}。",
            "如果想{verb}{thing}，{step}。",
            "做完以后再{verb}{thing}，和{other}对照一下。",
            "不确定的话，{step}，然后再{verb}{thing}。",
            "{time}之内，{thing}应该会有变化。",
        ),
        closers=("有进展请告诉我。", "希望对您有帮助。", "如果还是{cause}，我们再一起看看。"),
        refusals=(
            "抱歉，这个问题我无法回答。",
            "我不能代替您{verb}{thing}，请联系{who}。",
            "关于{thing}，我不方便提供建议。",
        ),
        times=("一分钟", "十分钟", "半小时", "两个小时", "一天", "三天", "一周"),
        people=("同事", "前台", "经理", "邻居", "负责人", "专业人员"),
        system="你负责回答日常问题。请用提问者的语言回答，不确定时请说明，不要答非所问。",
        space="",
        chars_per_token=1.6,
    ),
}
