// The keyword table: which words speak for which kind of task, in English and Chinese. Order is not significant.
import type { TaskKind } from "./task.ts";

export interface KeywordRule {
  readonly kind: TaskKind;
  readonly points: number;
  readonly pattern: RegExp;
}

/** Whole English words, in any of their forms that the pattern spells out. */
const words = (kind: TaskKind, points: number, list: string): KeywordRule => ({
  kind,
  points,
  pattern: new RegExp(`\\b(?:${list})\\b`, "gi"),
});
/** Chinese terms; they need no word boundary. */
const terms = (kind: TaskKind, points: number, list: string): KeywordRule => ({
  kind,
  points,
  pattern: new RegExp(list, "g"),
});

export const keywordRules: readonly KeywordRule[] = [
  words(
    "review",
    3,
    "code review|review (?:this|the|my|these|following)|review|bugs?|vulnerabilit(?:y|ies)|thread[- ]safe|race conditions?|memory leaks?|sql injection|security issues?|code smells?|pull request",
  ),
  words(
    "review",
    2,
    "what(?:'s| is) wrong|find (?:the )?(?:errors?|mistakes?|problems?)|null pointer|edge cases?|linter?",
  ),
  terms(
    "review",
    3,
    "审查|代码评审|评审|有没有(?:问题|错误|漏洞|bug)|检查.{0,12}(?:代码|函数|错误|漏洞)|漏洞|竞态|内存泄漏|线程安全|找(?:出|到).{0,6}(?:bug|错误|问题)",
  ),

  words(
    "code",
    3,
    "implement|refactor|debug|write (?:a |an |the |some )?(?:\\w+ ){0,3}(?:functions?|scripts?|class|programs?|code|quer(?:y|ies)|regex|components?|tests?|modules?|app|api|endpoints?|makefile|dockerfile)|unit tests?|stack trace|compile|segfault|(?:type|index|key|value|syntax|attribute|reference|name|runtime|import)error|exceptions?|traceback|leetcode",
  ),
  words(
    "code",
    2,
    "code|python|javascript|typescript|java|rust|golang|c\\+\\+|c#|kotlin|swift|ruby|php|sql|html|css|bash|shell script|regex|regular expression|algorithm|functions?|api|json|xml|yaml|docker|kubernetes|terraform|react|vue|angular|django|flask|spring|node\\.?js|numpy|pandas|pytorch|tensorflow|git|linux|database|query|script|array|linked list|binary tree|recursion|latex",
  ),
  terms(
    "code",
    3,
    "写一?(?:个|段|份|条)?.{0,14}(?:函数|脚本|程序|代码|类|接口|组件|正则|查询|测试|爬虫)|实现.{0,14}(?:函数|算法|功能|类|接口|组件)?|重构|调试|报错|单元测试|编译",
  ),
  terms("code", 2, "代码|函数|算法|编程|程序|脚本|正则|数据库|接口|数组|链表|二叉树|递归|前端|后端"),

  words("translate", 5, "translat(?:e|es|ed|ing|ion|ions|or)|locali[sz]e"),
  words(
    "translate",
    3,
    "(?:in|into|to|from) (?:chinese|english|mandarin|french|german|spanish|japanese|korean|russian)|mandarin|pinyin|chinese (?:poem|poetry|idioms?|characters?|proverbs?)|hanzi|tang dynasty",
  ),
  terms("translate", 5, "翻译|译成|译为|译文|英译中|中译英|用英语怎么说|的英文|的中文"),
  terms(
    "translate",
    3,
    "中文|古诗|诗词|唐诗|宋词|成语|文言文|歇后语|拼音|汉字|对联|谚语|典故|词语|造句|近义词|反义词|普通话|方言|修辞|病句|偏旁|绝句|律诗|诗人|诗句|李白|杜甫|红楼梦|论语",
  ),

  words(
    "explain",
    3,
    "explain|what does (?:this|the|it)|what(?:'s| is) (?:a|an|the|meant)|how (?:does|do|is|are) .{0,40}work|walk me through|meaning of|difference between|understand|eli5",
  ),
  terms("explain", 3, "解释|讲解|说明一下|是什么意思|什么是|是什么|怎么工作|如何工作|原理|区别"),

  words(
    "document",
    4,
    "documentation|docstrings?|jsdoc|tsdoc|javadoc|readme|change ?log|release notes?|api (?:docs?|reference)|user (?:guide|manual)|technical (?:document|specification|report|documentation)|how-to guide|runbook|onboarding guide|install(?:ation)? guide|design doc(?:ument)?|man page",
  ),
  words("document", 2, "document(?:s|ed|ing)?|comments?|tutorial|manual|glossary|faq|specification|guide"),
  terms(
    "document",
    4,
    "文档|注释|使用说明|说明书|操作手册|用户手册|手册|更新日志|发布说明|教程|指南|规格说明|接口说明",
  ),

  words(
    "create",
    4,
    "stor(?:y|ies)|poems?|haiku|sonnet|limerick|lyrics?|song|novel|screenplay|fairy tale|slogans?|tagline|blog post|short fiction|dialogue between|monologue|rap|jokes?|ad copy|product description|fan fiction|speech|toast|wedding|love letter|cover letter",
  ),
  words(
    "create",
    2,
    "create|creative|imagine|compose|characters?|plot|fantasy|brainstorm|write (?:a|an|me|about|in the style)|essay|article|email|role-?play|pretend|act as|melody",
  ),
  terms(
    "create",
    4,
    "故事|小说|写一?首|诗歌|歌词|剧本|文案|广告语|标语|口号|童话|散文|段子|笑话|演讲稿|情书|台词|独白|朋友圈|作文|创作",
  ),
  terms("create", 2, "想象|假如你是|扮演|角色|情节|编一?个|起(?:个|一个)?名字|祝福|邮件|写一?篇|写一?段"),

  words(
    "analyze",
    4,
    "analy[sz](?:e|es|ing)|analysis|strateg(?:y|ies|ic)|trade-?offs?|pros and cons|evaluate|root cause|prove|proof|derive|probability|calculate|how many|how much|compare|business plan|forecast|decision|optimi[sz]e the|should (?:we|i)|cost[- ]benefit|swot|what would happen",
  ),
  words(
    "analyze",
    2,
    "why|reason(?:ing)?|logic(?:al)?|puzzle|riddle|math|equation|solve|assess|implications?|hypothes[ei]s|estimate|risks?|plan|recommend|market|step by step|investment|economics?|theor(?:y|em)",
  ),
  terms(
    "analyze",
    4,
    "分析|策略|战略|权衡|利弊|优缺点|评估|推理|证明|推导|概率|计算|根本原因|比较|预测|方案|决策|对比|多少",
  ),
  terms("analyze", 2, "为什么|逻辑|谜题|数学|方程|求解|风险|规划|建议|应该|市场|投资|成本|如果.{0,20}会"),
];
