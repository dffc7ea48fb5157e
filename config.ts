import * as pulumi from "@pulumi/pulumi";
import leven from "leven";
import * as z from "zod";
import { GatewayExposure, OutboundTrafficPolicy, type GatewayCertificateArgs } from "./components";
import { hostProblem, labelProblem, weightsProblem } from "./components/validation";

/** Adds a problem with the way to mend it. */
function problem(context: z.RefinementCtx, message: string, fix: string): void {
    context.addIssue({ code: "custom", message, params: { fix } });
}

const host = z.string().superRefine((value, context) => {
    const reason = hostProblem(value);
    if (reason) {
        problem(context, reason, 'write a DNS name, as "shop.example.com"');
    }
});

const label = z.string().superRefine((value, context) => {
    const reason = labelProblem(value);
    if (reason) {
        problem(context, reason, 'write a name, as "shop"');
    }
});

const percent = z.int().min(0).max(100);
const reviews = z.strictObject({ v1: percent, v2: percent, v3: percent.default(0) }).superRefine((weights, context) => {
    const reason = weightsProblem(Object.values(weights));
    if (reason) {
        problem(context, reason, "change the weights until they sum to 100");
    }
});

const gateway = z.strictObject({
    enabled: z.boolean().default(true),
    maxConnections: z.int().min(1).default(50000),
    serviceAnnotations: z.record(z.string(), z.string()).default({}),
    loadBalancerSourceRanges: z.array(z.union([z.cidrv4(), z.cidrv6()])).optional(),
});

const route = z.strictObject({
    host,
    gateway: z.enum(["external", "internal"]).default("external"),
    namespace: label,
    service: label,
    port: z.int().min(1).max(65535),
});

/** Every key of the stack config, without the project's prefix. Pulumi.yaml describes them to people. */
const schema = z.strictObject({
    domain: host,
    internalDomain: host.default("internal"),
    highAvailability: z.boolean().default(false),
    protect: z.boolean().default(false),
    istio: z
        .strictObject({
            cni: z.boolean().default(false),
            distroless: z.boolean().default(true),
            networkPolicies: z.boolean().default(false),
            outboundTrafficPolicy: z.enum(OutboundTrafficPolicy).default(OutboundTrafficPolicy.AllowAny),
            accessLogs: z.boolean().default(true),
        })
        .prefault({}),
    certificates: z
        .strictObject({
            issuer: z.enum(["private-ca", "letsencrypt-prod", "letsencrypt-staging"]).default("private-ca"),
            email: z.email().optional(),
            challenge: z.enum(["http01", "dns01"]).default("http01"),
            dns01: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
        })
        .prefault({}),
    gateways: z.strictObject({ external: gateway.prefault({}), internal: gateway.prefault({}) }).prefault({}),
    bookinfo: z
        .strictObject({
            enabled: z.boolean().default(true),
            hosts: z.array(host).min(1).optional(),
            reviews: reviews.default({ v1: 80, v2: 20, v3: 0 }),
        })
        .prefault({}),
    routes: z.array(route).default([]),
    charts: z.strictObject({ mirror: z.string().min(1).optional() }).prefault({}),
    images: z.strictObject({ registry: z.string().min(1).optional() }).prefault({}),
});

/** The cluster that the stack names. */
export interface ClusterSettings {
    context?: string;
    kubeconfig?: string;
}

/** The stack config, complete and valid. */
export interface Settings extends z.output<typeof schema> {
    cluster: ClusterSettings;
}

/** One thing that is wrong in the config. */
export interface ConfigProblem {
    /** Where, as `gateways.external.maxConnections`. */
    path: string;
    /** What stands there, as JSON; undefined when nothing does. */
    value: unknown;
    reason: string;
    fix: string;
}

/** Everything that is wrong in the config. A RunError, so that Pulumi shows its message and no stack trace. */
export class ConfigError extends pulumi.RunError {
    constructor(readonly problems: readonly ConfigProblem[]) {
        super(
            [
                `The stack's config has ${problems.length} problem${problems.length === 1 ? "" : "s"}; nothing was changed.`,
                ...problems.map(({ path, value, reason, fix }) => {
                    const shown = value === undefined ? "is not set" : `is ${JSON.stringify(value)}`;
                    return `  ${path} ${shown}: ${reason}.\n    Fix: ${fix}.`;
                }),
            ].join("\n"),
        );
        this.name = "ConfigError";
    }
}

const prefix = "pulumi-istio-platform:";
const texts: readonly string[] = ["domain", "internalDomain"];

/** Reads and checks the config of the stack that runs. Throws {@link ConfigError} with every problem at once. */
export function loadSettings(): Settings {
    return parseSettings(pulumi.runtime.allConfig());
}

/** Checks a stack's config, given as Pulumi has it: strings by full key, objects and lists as JSON. */
export function parseSettings(config: Record<string, string>): Settings {
    const values = Object.fromEntries(
        Object.entries(config)
            .filter(([key]) => key.startsWith(prefix))
            .map(([key, text]) => [key.slice(prefix.length), text] as const)
            .map(([key, text]) => [key, texts.includes(key) ? text : fromJson(text)]),
    );
    const cluster: ClusterSettings = {
        context: config["kubernetes:context"],
        kubeconfig: config["kubernetes:kubeconfig"],
    };
    const result = schema.safeParse(values);
    const issues = result.success ? [] : result.error.issues;
    const wrong = new Set(issues.map(({ path: [key] }) => key));
    const sound = Object.fromEntries(Object.entries(values).filter(([key]) => key in schema.shape && !wrong.has(key)));
    const problems = [
        ...clusterProblems(cluster),
        ...issues.flatMap((issue) => issueProblems(issue, values)),
        ...contradictions(schema.partial().parse(sound)),
    ];
    if (!result.success || problems.length > 0) {
        throw new ConfigError(problems);
    }
    return { ...result.data, cluster };
}

function fromJson(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return text;
    }
}

function clusterProblems({ context, kubeconfig }: ClusterSettings): ConfigProblem[] {
    return context !== undefined || kubeconfig !== undefined
        ? []
        : [
              {
                  path: "kubernetes:context",
                  value: undefined,
                  reason: "the stack names no cluster, and whatever context is current is never deployed to",
                  fix: "run `pulumi config set kubernetes:context NAME`, with a name from `kubectl config get-contexts`",
              },
          ];
}

function issueProblems(issue: z.core.$ZodIssue, values: unknown): ConfigProblem[] {
    const at = (path: readonly PropertyKey[]) => path.map(String).join(".");
    const value = issue.path.reduce<unknown>(child, values);
    if (issue.code === "unrecognized_keys") {
        const known = knownKeys(schema, issue.path);
        return issue.keys.map((key) => ({
            path: at([...issue.path, key]),
            value: child(value, key),
            reason: "there is no such key",
            fix: `${nearest(key, known)}; known are ${known.join(", ")}`,
        }));
    }
    const fix: unknown = issue.code === "custom" ? issue.params?.["fix"] : undefined;
    return [
        {
            path: at(issue.path),
            value,
            reason: issue.message.replace(/^Invalid (input|option): /, "").replace(/^Invalid /, "is no valid "),
            fix: typeof fix === "string" ? fix : "see the key in Pulumi.yaml and in the README's config reference",
        },
    ];
}

function child(value: unknown, key: PropertyKey): unknown {
    return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

/** The keys that the schema knows at a path, for a suggestion. */
function knownKeys(type: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
    if (type instanceof z.ZodDefault || type instanceof z.ZodPrefault || type instanceof z.ZodOptional) {
        return knownKeys(type.def.innerType, path);
    }
    if (type instanceof z.ZodArray) {
        return knownKeys(type.def.element, path.slice(1));
    }
    if (!(type instanceof z.ZodObject)) {
        return [];
    }
    const shape: Record<string, z.core.$ZodType> = type.shape;
    const [key, ...rest] = path;
    const next = key === undefined ? undefined : shape[String(key)];
    return next ? knownKeys(next, rest) : Object.keys(shape);
}

function nearest(key: string, known: string[]): string {
    const [best] = known.map((name) => ({ name, distance: leven(key, name) })).sort((a, b) => a.distance - b.distance);
    return best && best.distance <= Math.max(2, key.length / 3) ? `did you mean "${best.name}"?` : "take the key out";
}

/** Settings that are each valid but cannot hold together. */
function contradictions(settings: Partial<Settings>): ConfigProblem[] {
    const { certificates, gateways } = settings;
    const found = claimedTwice(settings);
    const acme = certificates?.issuer.startsWith("letsencrypt") ?? false;
    if (acme && certificates?.email === undefined) {
        const reason = "Let's Encrypt wants an address for notices about expiring certificates";
        found.push({
            path: "certificates.email",
            value: undefined,
            reason,
            fix: "set it to an address that somebody reads",
        });
    }
    if (
        acme &&
        settings.domain &&
        !/\.[a-z]{2,}$/.test(settings.domain.replace(/\.(internal|local|localhost|test|invalid)$/, ""))
    ) {
        const reason = "Let's Encrypt issues for public domains only";
        found.push({
            path: "domain",
            value: settings.domain,
            reason,
            fix: 'own a public domain, or set certificates.issuer to "private-ca"',
        });
    }
    if (acme && certificates?.challenge === "http01" && gateways?.external.enabled === false) {
        const reason = "the HTTP-01 challenge is answered by the external gateway, which is off";
        found.push({
            path: "certificates.challenge",
            value: "http01",
            reason,
            fix: 'set gateways.external.enabled to true, or the challenge to "dns01"',
        });
    }
    const providers = Object.keys(certificates?.dns01 ?? {});
    if (acme && certificates?.challenge === "dns01" && providers.length !== 1) {
        const reason = "the DNS-01 challenge needs exactly one DNS provider";
        found.push({
            path: "certificates.dns01",
            value: certificates.dns01,
            reason,
            fix: "write it like { route53: { region: eu-west-1 } }",
        });
    }
    for (const [index, { gateway, host }] of (settings.routes ?? []).entries()) {
        if (gateways?.[gateway].enabled === false) {
            const reason = `the host "${host}" is to be served by a gateway that is off`;
            found.push({
                path: `routes.${index}.gateway`,
                value: gateway,
                reason,
                fix: `set gateways.${gateway}.enabled to true`,
            });
        }
    }
    if (settings.bookinfo?.enabled && gateways && !gateways.external.enabled && !gateways.internal.enabled) {
        const reason = "Bookinfo has no way in: both gateways are off";
        found.push({ path: "bookinfo.enabled", value: true, reason, fix: "set it to false, or enable a gateway" });
    }
    return found;
}

/** A host at one of the gateways, and who answers there. */
export interface HostClaim {
    /** Where in the config the claim is made. */
    path: string;
    /** Name of the certificate: hosts of one name share it. */
    name: string;
    gateway: "external" | "internal";
    namespace: string;
    host: string;
}

/** Namespace of the sample application. */
export const bookinfoNamespace = "bookinfo";

/** A host as the name of a Kubernetes object. */
export function hostName(host: string): string {
    return host.replace("*", "wildcard").replaceAll(".", "-");
}

/** The hosts that one of the gateways serves, for one application or for all. */
export function hostClaims(settings: Settings, gateway: string, name?: string): HostClaim[] {
    return allClaims(settings).filter((claim) => claim.gateway === gateway && claim.name === (name ?? claim.name));
}

/** A gateway's certificates: one for each application, for all of its hosts. */
export function gatewayCertificates(
    settings: Settings,
    gateway: GatewayExposure,
    issuerName: pulumi.Input<string>,
): GatewayCertificateArgs[] {
    const names = [...new Set(hostClaims(settings, gateway).map(({ name }) => name))];
    return names.map((name) => ({
        name: gateway === GatewayExposure.Internal ? `${name}-internal` : name,
        issuerName,
        hosts: hostClaims(settings, gateway, name).map(({ host, namespace }) => ({ host, namespace })),
    }));
}

/** Every host that the config asks a gateway to serve. */
function allClaims({ bookinfo, domain, internalDomain, gateways, routes }: Partial<Settings>): HostClaim[] {
    const sample = { path: "bookinfo.hosts", name: "bookinfo", namespace: bookinfoNamespace };
    const external = bookinfo?.hosts ?? (domain ? [`bookinfo.${domain}`] : []);
    const internal = internalDomain ? [`bookinfo.${internalDomain}`] : [];
    const ofSample = bookinfo?.enabled
        ? [
              ...(gateways?.external.enabled ? external : []).map((host) => ({
                  ...sample,
                  gateway: "external" as const,
                  host,
              })),
              ...(gateways?.internal.enabled ? internal : []).map((host) => ({
                  ...sample,
                  gateway: "internal" as const,
                  host,
              })),
          ]
        : [];
    const ofRoutes = (routes ?? []).map(({ host, gateway, namespace }, index) => {
        return { path: `routes.${index}.host`, name: hostName(host), gateway, namespace, host };
    });
    return [...ofSample, ...ofRoutes];
}

/** Hosts that two routes claim: gateways would merge them in no defined order. */
function claimedTwice(settings: Partial<Settings>): ConfigProblem[] {
    const claims = allClaims(settings);
    return claims.flatMap(({ path, host }, index) => {
        const first = claims.slice(0, index).find((claim) => claim.host === host);
        const reason = `the host is claimed by ${first?.path ?? ""} already`;
        return first ? [{ path, value: host, reason, fix: "give each host to one route" }] : [];
    });
}
