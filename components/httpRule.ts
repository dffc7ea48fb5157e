import type { IVirtualService } from "@kubernetes-models/istio/networking.istio.io/v1";
import type * as pulumi from "@pulumi/pulumi";
import type { Inputs } from "./customResource";
import { checkDuration, weightsProblem } from "./validation";

/** How a string is compared. Exactly one field is given. */
export interface StringMatchArgs {
    exact?: string;
    prefix?: string;
    /** RE2 syntax, https://github.com/google/re2/wiki/Syntax. */
    regex?: string;
}

/** What a request must have; all that is given must hold. */
export interface HttpMatchArgs {
    path?: StringMatchArgs;
    method?: StringMatchArgs;
    /** By header name in lower case. */
    headers?: Record<string, StringMatchArgs>;
    queryParams?: Record<string, StringMatchArgs>;
}

/** Where requests go. */
export interface HttpDestinationArgs {
    /** Full name of a service, as `reviews.bookinfo.svc.cluster.local`. */
    host: pulumi.Input<string>;
    /**
     * One of the versions that the service's DestinationRule names.
     * @default - all of them
     */
    subset?: string;
    /** Port of the Service. */
    port: number;
    /**
     * Share of the requests, in percent. The shares of a rule sum to 100.
     * @default 100
     */
    weight?: number;
}

/** Trying again. */
export interface HttpRetryArgs {
    /** How often at most. */
    attempts: number;
    /**
     * How long one attempt may take, as `2s`.
     * @default - the rule's timeout
     */
    perTryTimeout?: string;
    /**
     * What is tried again, https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter.
     * @default "connect-failure,refused-stream,unavailable,cancelled,503"
     */
    retryOn?: string;
}

/** Answers that are made up, to try how callers cope. */
export interface HttpFaultArgs {
    /** How many of the requests are hit, in percent. */
    percentage: number;
    /** Holds a request back that long, as `5s`. */
    delay?: string;
    /** Answers with this HTTP status instead of the service. */
    abortStatus?: number;
}

/** Cross-origin calls that browsers may make. */
export interface CorsPolicyArgs {
    allowOrigins: StringMatchArgs[];
    allowMethods?: string[];
    allowHeaders?: string[];
    exposeHeaders?: string[];
    /** How long a browser keeps the answer, as `24h`. */
    maxAge?: string;
    allowCredentials?: boolean;
}

/** Headers that are changed on the way. */
export interface HeaderOperationsArgs {
    set?: Record<string, string>;
    add?: Record<string, string>;
    remove?: string[];
}

/** A redirect to another address. */
export interface HttpRedirectArgs {
    scheme?: string;
    host?: string;
    path?: string;
    /** @default 301 */
    code?: number;
}

/** One rule: what it matches and what then happens. */
export interface HttpRuleArgs {
    /** Name that access logs show. */
    name?: string;
    /**
     * Alternatives, of which one must match.
     * @default - everything
     */
    matches?: HttpMatchArgs[];
    /** Where requests go; a rule has either these or a redirect. */
    destinations?: HttpDestinationArgs[];
    redirect?: HttpRedirectArgs;
    /** Replaces the matched path prefix. */
    rewritePath?: string;
    /**
     * How long a request may take in all, as `10s`.
     * @default - for ever
     */
    timeout?: string;
    retries?: HttpRetryArgs;
    fault?: HttpFaultArgs;
    /** Gets a copy of the requests; its answers are thrown away. */
    mirror?: HttpDestinationArgs;
    cors?: CorsPolicyArgs;
    requestHeaders?: HeaderOperationsArgs;
    responseHeaders?: HeaderOperationsArgs;
}

type HttpRoutes = NonNullable<NonNullable<IVirtualService["spec"]>["http"]>;

/** The rule as a VirtualService has it. Throws when the rule cannot work. */
export function httpRule(owner: string, rule: HttpRuleArgs): Inputs<HttpRoutes[number]> {
    checkRule(owner, rule);
    return {
        ...(rule.name ? { name: rule.name } : {}),
        ...(rule.matches ? { match: rule.matches.map((match) => httpMatch(owner, match)) } : {}),
        ...(rule.redirect ? { redirect: httpRedirect(rule.redirect) } : {}),
        ...(rule.destinations ? { route: rule.destinations.map(weighted) } : {}),
        ...(rule.rewritePath ? { rewrite: { uri: rule.rewritePath } } : {}),
        ...(rule.timeout ? { timeout: rule.timeout } : {}),
        ...(rule.retries
            ? { retries: { retryOn: "connect-failure,refused-stream,unavailable,cancelled,503", ...rule.retries } }
            : {}),
        ...(rule.fault ? { fault: httpFault(rule.fault) } : {}),
        ...(rule.mirror ? { mirror: destination(rule.mirror) } : {}),
        ...(rule.cors
            ? { corsPolicy: { ...rule.cors, allowOrigins: rule.cors.allowOrigins.map(exactlyOne(owner)) } }
            : {}),
        ...(rule.requestHeaders || rule.responseHeaders
            ? { headers: { request: rule.requestHeaders ?? {}, response: rule.responseHeaders ?? {} } }
            : {}),
    };
}

function checkRule(owner: string, rule: HttpRuleArgs): void {
    const destinations = rule.destinations ?? [];
    if (destinations.length > 0 === (rule.redirect !== undefined)) {
        throw new Error(`${owner}: give either destinations or a redirect`);
    }
    const problem =
        destinations.length > 0 ? weightsProblem(destinations.map(({ weight }) => weight ?? 100)) : undefined;
    if (problem) {
        throw new Error(`${owner}: ${problem}`);
    }
    checkDuration(owner, "timeout", rule.timeout);
    checkDuration(owner, "retries.perTryTimeout", rule.retries?.perTryTimeout);
    checkDuration(owner, "fault.delay", rule.fault?.delay);
    checkDuration(owner, "cors.maxAge", rule.cors?.maxAge);
}

function httpMatch(owner: string, match: HttpMatchArgs): NonNullable<HttpRoutes[number]["match"]>[number] {
    const check = exactlyOne(owner);
    const checkAll = (matches: Record<string, StringMatchArgs>) =>
        Object.fromEntries(Object.entries(matches).map(([key, value]) => [key, check(value)]));
    return {
        ...(match.path ? { uri: check(match.path) } : {}),
        ...(match.method ? { method: check(match.method) } : {}),
        ...(match.headers ? { headers: checkAll(match.headers) } : {}),
        ...(match.queryParams ? { queryParams: checkAll(match.queryParams) } : {}),
    };
}

type OneStringMatch = { exact: string } | { prefix: string } | { regex: string };

function exactlyOne(owner: string): (match: StringMatchArgs) => OneStringMatch {
    return ({ exact, prefix, regex }) => {
        const given = [
            ...(exact === undefined ? [] : [{ exact }]),
            ...(prefix === undefined ? [] : [{ prefix }]),
            ...(regex === undefined ? [] : [{ regex }]),
        ];
        const [only] = given;
        if (only === undefined || given.length > 1) {
            throw new Error(
                `${owner}: a match takes exactly one of exact, prefix and regex, not ${given.length} of them`,
            );
        }
        return only;
    };
}

function destination({ host, port, subset }: HttpDestinationArgs) {
    return { host, port: { number: port }, ...(subset ? { subset } : {}) };
}

function weighted(args: HttpDestinationArgs) {
    return { destination: destination(args), weight: args.weight ?? 100 };
}

function httpRedirect({ scheme, host, path, code }: HttpRedirectArgs) {
    return {
        ...(scheme ? { scheme } : {}),
        ...(host ? { authority: host } : {}),
        ...(path ? { uri: path } : {}),
        redirectCode: code ?? 301,
    };
}

function httpFault({ percentage, delay, abortStatus }: HttpFaultArgs) {
    const hit = { percentage: { value: percentage } };
    return {
        ...(delay ? { delay: { ...hit, fixedDelay: delay } } : {}),
        ...(abortStatus ? { abort: { ...hit, httpStatus: abortStatus } } : {}),
    };
}
