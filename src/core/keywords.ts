// The keyword table: which words speak for which kind of task, in English and Chinese. Order is not significant.
// It is read as a dictionary (`classifier/lexicon.ts`), so that a text is gone through once, whatever its length.
import type { TaskKind } from "./task.ts";

export interface KeywordRule {
  readonly kind: TaskKind;
  readonly points: number;
  /** Between bars: up to three whole words, written without apostrophes, or one to four Chinese characters. */
  readonly phrases: string;
  /** Counts only where one of these stands shortly before: “write” before “function”, 写 before 函数. */
  readonly after?: string;
}

const rule = (kind: TaskKind, points: number, phrases: string, after?: string): KeywordRule =>
  after === undefined ? { kind, points, phrases } : { kind, points, phrases, after };

const making = "write|create|make|build|generate|give me|code|develop|add|need|design";
const zhMaking = "写|编写|实现|帮我写|生成|开发|做一个|设计";
const zhLooking = "检查|找出|找到|有没有|看看|看一下|哪里";

export const keywordRules: readonly KeywordRule[] = [
  rule(
    "review",
    3,
    "code review|review|reviewed|reviewing|bug|bugs|buggy|vulnerability|vulnerabilities|thread safe|race condition|race conditions|memory leak|memory leaks|sql injection|security issue|security issues|code smell|code smells|pull request|lgtm|nitpick|nitpicks",
  ),
  rule(
    "review",
    2,
    "whats wrong|what is wrong|find the error|find the errors|find errors|find mistakes|find problems|find the problem|null pointer|edge case|edge cases|lint|linter|audit|critique",
  ),
  rule("review", 3, "审查|评审|漏洞|竞态|内存泄漏|线程安全|走查|代码质量|坏味道"),
  rule("review", 3, "代码|函数|错误|漏洞|问题|缺陷|隐患|bug", zhLooking),

  rule(
    "code",
    3,
    "implement|refactor|debug|unit test|unit tests|stack trace|compile|compiler|segfault|typeerror|indexerror|keyerror|valueerror|syntaxerror|attributeerror|referenceerror|nameerror|runtimeerror|importerror|nullpointerexception|exception|exceptions|traceback|leetcode|error message|fix this code",
  ),
  rule(
    "code",
    3,
    "function|functions|script|class|program|code|query|regex|component|test|tests|module|app|api|endpoint|makefile|dockerfile|method|macro|formula|snippet",
    making,
  ),
  rule(
    "code",
    2,
    "code|python|javascript|typescript|java|rust|golang|c++|c#|kotlin|swift|ruby|php|sql|html|css|bash|shell script|powershell|regex|regular expression|algorithm|function|functions|api|json|xml|yaml|docker|kubernetes|terraform|react|vue|angular|django|flask|spring|node js|nodejs|numpy|pandas|pytorch|tensorflow|git|linux|database|query|script|array|linked list|binary tree|recursion|latex|excel|vba|matlab|postgres|mysql|mongodb|redis|nginx|webpack|npm|pip|cron|css grid|flexbox",
  ),
  rule(
    "code",
    3,
    "函数|脚本|程序|代码|类|接口|组件|正则|查询|测试|爬虫|算法|功能|插件|页面|小程序|命令|语句",
    zhMaking,
  ),
  rule("code", 3, "重构|调试|报错|单元测试|编译|空指针|堆栈|死锁|异常"),
  rule("code", 2, "代码|函数|算法|编程|程序|脚本|正则|数据库|接口|数组|链表|二叉树|递归|前端|后端|线程|变量"),

  rule(
    "translate",
    5,
    "translate|translates|translated|translating|translation|translations|translator|localize|localise",
  ),
  rule(
    "translate",
    3,
    "chinese|english|mandarin|french|german|spanish|japanese|korean|russian|italian|portuguese|arabic|hindi|vietnamese|turkish|cantonese",
    "in|into|to|from",
  ),
  rule(
    "translate",
    3,
    "mandarin|cantonese|pinyin|chinese poem|chinese poetry|chinese idiom|chinese idioms|chinese character|chinese characters|chinese proverb|chengyu|hanzi|tang dynasty|simplified chinese|traditional chinese",
  ),
  rule("translate", 5, "翻译|译成|译为|译文|英译中|中译英|汉译英|英译汉|怎么翻|的英文|的中文|用英语|用英文|英语怎么"),
  rule(
    "translate",
    3,
    "中文|古诗|诗词|唐诗|宋词|成语|文言文|歇后语|拼音|汉字|对联|谚语|典故|词语|造句|近义词|反义词|普通话|方言|修辞|病句|偏旁|绝句|律诗|诗人|诗句|李白|杜甫|红楼梦|论语|下联|上联|多音字|笔画|部首|繁体|简体|量词|俗语",
  ),

  rule(
    "explain",
    3,
    "explain|explains|what does this|what does the|what does it|what is a|what is an|what is the|whats a|whats the|walk me through|meaning of|difference between|understand|eli5|how does|how do|tell me about|what are",
  ),
  rule("explain", 3, "解释|讲解|讲讲|说明一下|什么意思|什么是|是什么|怎么工作|如何工作|原理|区别|介绍一下|通俗"),

  rule(
    "document",
    4,
    "documentation|docstring|docstrings|jsdoc|tsdoc|javadoc|doxygen|readme|changelog|change log|release notes|api docs|api doc|api reference|user guide|user manual|technical document|technical specification|technical report|how to guide|runbook|onboarding guide|install guide|installation guide|design doc|design document|man page|postmortem|adr|style guide",
  ),
  rule(
    "document",
    2,
    "document|documents|documented|documenting|comment|comments|tutorial|manual|glossary|faq|specification|guide|summarize|summarise|summary|outline|cheat sheet|checklist",
  ),
  rule(
    "document",
    4,
    "文档|注释|使用说明|说明书|操作手册|用户手册|手册|更新日志|发布说明|教程|指南|规格说明|接口说明|变更日志|总结|摘要|概述",
  ),

  rule(
    "create",
    4,
    "story|stories|poem|poems|haiku|sonnet|limerick|lyrics|song|novel|screenplay|fairy tale|slogan|slogans|tagline|taglines|blog post|short fiction|dialogue between|monologue|rap|joke|jokes|ad copy|product description|fan fiction|fanfic|speech|toast|wedding|love letter|cover letter|caption|captions|roleplay|role play|fable|villain",
  ),
  rule(
    "create",
    2,
    "creative|imagine|compose|character|characters|plot|fantasy|brainstorm|in the style|essay|article|email|pretend|act as|melody|invent|funny|scene|poetic|catchy|name for|names for",
  ),
  rule(
    "create",
    4,
    "故事|小说|写一首|写首|诗歌|歌词|剧本|文案|广告语|广告词|标语|口号|童话|散文|段子|笑话|演讲稿|情书|台词|独白|朋友圈|作文|创作|续写|小红书|寓言|情诗|日记|检讨书",
  ),
  rule(
    "create",
    2,
    "想象|假如你是|假设你是|扮演|角色|情节|编一个|编个|起名|名字|祝福|邮件|写一篇|写一段|写封|口吻|语气",
  ),

  rule(
    "analyze",
    4,
    "analyze|analyse|analyzing|analysis|strategy|strategies|strategic|trade off|trade offs|tradeoff|tradeoffs|pros and cons|evaluate|root cause|prove|proof|derive|probability|calculate|how many|how much|compare|business plan|forecast|decision|should we|should i|cost benefit|swot|what would happen|integral|derivative",
  ),
  rule(
    "analyze",
    2,
    "why|reason|reasoning|logic|logical|puzzle|riddle|math|equation|solve|assess|implications|hypothesis|estimate|risk|risks|plan|recommend|market|step by step|investment|economic|economics|theory|theorem|percent|average|per day|per hour",
  ),
  rule(
    "analyze",
    4,
    "分析|策略|战略|权衡|利弊|优缺点|评估|推理|证明|求证|推导|概率|计算|根本原因|比较|预测|方案|决策|对比|多少|划算|推断|估算",
  ),
  rule("analyze", 2, "为什么|逻辑|谜题|数学|方程|求解|风险|规划|建议|应该|市场|投资|成本|该不该|要不要|值得|几个|平均"),
];
