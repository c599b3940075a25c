// Keys and tokens with a beginning of their own, as their issuers document them.
import { msg } from "../message.ts";
import { entropy, isStandIn } from "./randomness.ts";
import { isTokenStart, matchAt, type Rule } from "./rule.ts";

interface TokenForm {
  readonly id: string;
  readonly vendor: string;
  readonly keywords: readonly string[];
  /** From the beginning of a keyword; its group is the secret. */
  readonly pattern: RegExp;
  /** How many digits it has at least; keeps out words joined by hyphens. */
  readonly minDigits?: number;
  /** The keyword may stand inside a longer word or address. */
  readonly isAnywhere?: boolean;
  /** How many characters of it stand before the keyword. */
  readonly charsBefore?: number;
}

function form(
  id: string,
  vendor: string,
  keywords: string,
  pattern: RegExp,
  more: Pick<TokenForm, "minDigits" | "isAnywhere" | "charsBefore"> = {},
): TokenForm {
  return { id, vendor, keywords: keywords.split(" "), pattern, ...more };
}

const forms: readonly TokenForm[] = [
  form("aws-key", "AWS", "akia asia abia acca", /(A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{16})(?![A-Za-z0-9])/y),
  form("google-key", "Google", "aiza", /(AIza[\w-]{35})(?![\w-])/y),
  form("google-oauth", "Google", "gocspx-", /(GOCSPX-[\w-]{28})(?![\w-])/y),
  form("google-access-token", "Google", "ya29.", /(ya29\.[\w-]{20,300})/y),
  form(
    "azure-key",
    "Azure",
    "accountkey= sharedaccesskey=",
    /(?:Account|SharedAccess)Key=([A-Za-z0-9+/]{42,88}={1,2})/y,
  ),
  form("azure-signature", "Azure", "sig=", /sig=([A-Za-z0-9%+/]{40,70}(?:%3[Dd]|=))/y),
  form("azure-secret", "Azure", "q~", /([\w.~-]{3}\dQ~[\w.~-]{31,34})(?![\w.~-])/y, { charsBefore: 4 }),
  form("alibaba-key", "Alibaba Cloud", "ltai", /(LTAI[A-Za-z0-9]{12,26})(?![A-Za-z0-9])/y, { minDigits: 1 }),
  form("tencent-key", "Tencent Cloud", "akid", /(AKID[A-Za-z0-9]{28,44})(?![A-Za-z0-9])/y, { minDigits: 1 }),
  form("volcengine-key", "Volcengine", "aklt", /(AKLT[A-Za-z0-9+/_-]{36,60}={0,2})/y, { minDigits: 1 }),
  form("baidu-key", "Baidu", "bce-v3/altak-", /(bce-v3\/ALTAK-[A-Za-z0-9]{18,26}\/[a-f0-9]{40})/y),
  form("anthropic-key", "Anthropic", "sk-ant-", /(sk-ant-[a-z]{2,8}\d\d-[\w-]{24,200})/y, { minDigits: 3 }),
  form("openai-key", "OpenAI", "sk-", /(sk-(?:proj-|svcacct-|admin-|or-v1-|None-)?[A-Za-z0-9_-]{20,200})/y, {
    minDigits: 3,
  }),
  form("github-token", "GitHub", "ghp_ gho_ ghu_ ghs_ ghr_", /(gh[pousr]_[A-Za-z0-9]{36,255})/y),
  form("github-token", "GitHub", "github_pat_", /(github_pat_[A-Za-z0-9]{20,24}_[A-Za-z0-9]{50,64})/y),
  form(
    "gitlab-token",
    "GitLab",
    "glpat- gldt- glrt- glptt- glcbt- glsoat- glft- gloas-",
    /(gl(?:pat|dt|rt|ptt|cbt|soat|ft|oas)-[\w.-]{20,130})/y,
    { minDigits: 1 },
  ),
  form(
    "slack-token",
    "Slack",
    "xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xoxo- xapp-",
    /((?:xox[abeoprs]|xapp)-[A-Za-z0-9.-]{20,250})/y,
    { minDigits: 6 },
  ),
  form(
    "slack-webhook",
    "Slack",
    "hooks.slack.com/",
    /hooks\.slack\.com\/(?:services|workflows|triggers)\/([A-Za-z0-9]{8,14}\/[A-Za-z0-9]{8,20}\/[A-Za-z0-9]{18,40})/y,
    { isAnywhere: true },
  ),
  form(
    "stripe-key",
    "Stripe",
    "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_",
    /([sr]k_(?:live|test|prod)_[A-Za-z0-9]{16,250})/y,
    {
      minDigits: 1,
    },
  ),
  form("stripe-webhook", "Stripe", "whsec_", /(whsec_[A-Za-z0-9+/]{28,80}={0,2})/y, { minDigits: 1 }),
  form("huggingface-token", "Hugging Face", "hf_", /(hf_[A-Za-z0-9]{34,40})(?!\w)/y),
  form("npm-token", "npm", "npm_", /(npm_[A-Za-z0-9]{36})(?!\w)/y),
  form("pypi-token", "PyPI", "pypi-ag", /(pypi-Ag[\w-]{50,300})/y),
  form("rubygems-token", "RubyGems", "rubygems_", /(rubygems_[a-f0-9]{48})/y),
  form("docker-token", "Docker", "dckr_pat_ dckr_oat_", /(dckr_[po]at_[\w-]{20,64})/y),
  form("telegram-token", "Telegram", ":aa", /(?<=(?<!\w)(?:bot)?\d{8,10})(:AA[\w-]{32,34})(?![\w-])/y, {
    isAnywhere: true,
  }),
  form("discord-webhook", "Discord", "/api/webhooks/", /\/api\/webhooks\/\d{15,20}\/([\w-]{50,90})/y, {
    isAnywhere: true,
  }),
  form("feishu-webhook", "Feishu", "/bot/v2/hook/", /\/bot\/v2\/hook\/([a-f0-9]{8}-[a-f0-9-]{27})/y, {
    isAnywhere: true,
  }),
  form("dingtalk-webhook", "DingTalk", "/robot/send?access_token=", /\/robot\/send\?access_token=([a-f0-9]{64})/y, {
    isAnywhere: true,
  }),
  form("dingtalk-secret", "DingTalk", "sec", /(SEC[a-f0-9]{64})(?!\w)/y),
  form("wecom-webhook", "WeCom", "/webhook/send?key=", /\/webhook\/send\?key=([a-f0-9]{8}-[a-f0-9-]{27})/y, {
    isAnywhere: true,
  }),
  form("square-token", "Square", "sq0atp- sq0csp-", /(sq0(?:atp|csp)-[\w-]{20,60})/y, { minDigits: 1 }),
  form("fly-token", "Fly.io", "fm1r_ fm1a_ fm2_ fo1_", /(f(?:m1[ra]|m2|o1)_[\w+/-]{40,800}={0,2})/y, { minDigits: 2 }),
  form("sourcegraph-token", "Sourcegraph", "sgp_", /(sgp_(?:(?:local|[a-fA-F0-9]{16})_)?[a-fA-F0-9]{40})(?!\w)/y),
  form("sendgrid-key", "SendGrid", "sg.", /(SG\.[\w-]{20,24}\.[\w-]{39,50})/y),
  form("twilio-key", "Twilio", "sk", /(SK[a-f0-9]{32})(?!\w)/y, { minDigits: 6 }),
  form("mailgun-key", "Mailgun", "key-", /(key-[a-f0-9]{32})(?!\w)/y, { minDigits: 6 }),
  form("shopify-token", "Shopify", "shpat_ shpca_ shppa_ shpss_", /(shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32})/y),
  form("databricks-token", "Databricks", "dapi", /(dapi[a-f0-9]{32}(?:-\d)?)(?!\w)/y, { minDigits: 6 }),
  form("digitalocean-token", "DigitalOcean", "dop_v1_ doo_v1_ dor_v1_", /(do[por]_v1_[a-f0-9]{64})/y),
  form("heroku-key", "Heroku", "hrku-", /(HRKU-[\w-]{30,70})/y, { minDigits: 3 }),
  form(
    "grafana-token",
    "Grafana",
    "glsa_ glc_ey",
    /(glsa_[A-Za-z0-9]{32}_[a-fA-F0-9]{8}|glc_ey[A-Za-z0-9+/]{30,400}={0,2})/y,
  ),
  form("vault-token", "Vault", "hvs. hvb.", /(hv[sb]\.[\w-]{24,300})/y, { minDigits: 2 }),
  form("terraform-token", "Terraform", ".atlasv1.", /([A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,80})/y, { charsBefore: 14 }),
  form("linear-key", "Linear", "lin_api_", /(lin_api_[A-Za-z0-9]{40})/y),
  form("notion-token", "Notion", "ntn_ secret_", /(ntn_[A-Za-z0-9]{40,50}|secret_[A-Za-z0-9]{43})(?!\w)/y, {
    minDigits: 3,
  }),
  form("figma-token", "Figma", "figd_", /(figd_[\w-]{36,60})/y),
  form("postman-key", "Postman", "pmak-", /(PMAK-[a-f0-9]{24}-[a-f0-9]{34})/y),
  form("newrelic-key", "New Relic", "nrak-", /(NRAK-[A-Z0-9]{27})(?!\w)/y),
  form("sentry-token", "Sentry", "sntrys_ sntryu_", /(sntry[su]_[\w+/=-]{40,300})/y),
  form("supabase-token", "Supabase", "sbp_ sb_secret_", /(sbp_[a-f0-9]{40}|sb_secret_[\w-]{28,50})/y),
  form("replicate-token", "Replicate", "r8_", /(r8_[A-Za-z0-9]{37})(?!\w)/y),
  form("groq-key", "Groq", "gsk_", /(gsk_[A-Za-z0-9]{48,56})(?!\w)/y),
  form("xai-key", "xAI", "xai-", /(xai-[A-Za-z0-9]{70,90})(?!\w)/y),
  form("perplexity-key", "Perplexity", "pplx-", /(pplx-[A-Za-z0-9]{40,60})(?!\w)/y),
  form("langsmith-key", "LangSmith", "lsv2_", /(lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10})/y),
  form("atlassian-token", "Atlassian", "atatt3x", /(ATATT3x[\w=-]{100,250})/y),
  form("age-key", "age", "age-secret-key-1", /(AGE-SECRET-KEY-1[A-Z0-9]{58})/y),
  form("cloud-token", "PlanetScale", "pscale_tkn_ pscale_pw_", /(pscale_(?:tkn|pw)_[\w.-]{32,64})/y),
  form("mapbox-token", "Mapbox", "sk.eyj", /(sk\.eyJ[\w-]{10,300}\.[\w-]{20,40})/y),
  form("firebase-key", "Firebase", ":apa91b", /([\w-]{11}:APA91b[\w-]{100,200})/y, { charsBefore: 11 }),
  // Not after a character a token has inside, or a line of nothing but beginnings would be read again from each.
  form("jwt", "JWT", "eyj", /(?<![\w-])(eyJ[\w-]{10,2000}\.eyJ[\w-]{10,4000}\.[\w-]{10,1000})/y),
];

function toRule(form: TokenForm): Rule {
  const { id, vendor, keywords, pattern, minDigits = 0, isAnywhere = false, charsBefore = 0 } = form;
  const label = id === "jwt" ? msg("Signed access token (JWT)") : msg("Key or token of {0}", vendor);
  const find: Rule["find"] = (text, keywordStart, end) => {
    const start = keywordStart - charsBefore;
    if (start < 0 || (!isAnywhere && !isTokenStart(text, start))) return undefined;
    const found = matchAt(pattern, text, start);
    // Only what is drawn at random: “test” in `sk_test_` says nothing.
    if (!found || isStandIn(text.slice(Math.max(found.start, end), found.end))) return undefined;
    if (minDigits > 0 && found.value.replace(/\D/g, "").length < minDigits) return undefined;
    return entropy(found.value) >= 3 ? found : undefined;
  };
  return { id, label, keywords, find };
}

export const tokenRules: readonly Rule[] = forms.map(toRule);
