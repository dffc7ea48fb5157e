import * as z from "zod";
import { OutboundTrafficPolicy, Platform } from "../components";
import { hostProblem, labelProblem, weightsProblem } from "../components/validation";

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

/** A name to put hosts under. */
const domain = z.string().superRefine((value, context) => {
    const reason = value.startsWith("*")
        ? "is a wildcard, and hosts are put under it"
        : (hostProblem(value) ?? hostProblem(`bookinfo.${value}`));
    if (reason) {
        problem(context, reason, 'write a DNS name, as "example.com"');
    }
});

const label = z.string().superRefine((value, context) => {
    const reason = labelProblem(value);
    if (reason) {
        problem(context, reason, 'write a name, as "shop"');
    }
});

const percent = z.int().min(0).max(100);
const reviews = z
    .strictObject({ v1: percent.default(0), v2: percent.default(0), v3: percent.default(0) })
    .superRefine((weights, context) => {
        const reason = weightsProblem(Object.values(weights));
        if (reason) {
            problem(context, reason, "change the weights until they sum to 100");
        }
    });

const internalGateway = z.strictObject({
    enabled: z.boolean().default(true),
    maxConnections: z.int().min(1).default(50000),
    serviceAnnotations: z.record(z.string(), z.string()).default({}),
});
const externalGateway = internalGateway.extend({
    loadBalancerSourceRanges: z.array(z.union([z.cidrv4(), z.cidrv6()])).optional(),
});

const route = z.strictObject({
    host,
    gateway: z.enum(["external", "internal"]).default("external"),
    namespace: label,
    service: label,
    port: z.int().min(1).max(65535),
});

const text = z.string().min(1);
const secretKey = z.strictObject({ name: text, key: text });
const dns01 = z.strictObject({
    route53: z
        .strictObject({
            region: text.optional(),
            hostedZoneID: text.optional(),
            role: text.optional(),
            accessKeyIDSecretRef: secretKey.optional(),
            secretAccessKeySecretRef: secretKey.optional(),
        })
        .optional(),
    cloudflare: z.strictObject({ apiTokenSecretRef: secretKey }).optional(),
    cloudDNS: z
        .strictObject({
            project: text,
            hostedZoneName: text.optional(),
            serviceAccountSecretRef: secretKey.optional(),
        })
        .optional(),
    azureDNS: z
        .strictObject({
            subscriptionID: text,
            resourceGroupName: text,
            hostedZoneName: text.optional(),
            managedIdentity: z.strictObject({ clientID: text }).optional(),
            tenantID: text.optional(),
            clientID: text.optional(),
            clientSecretSecretRef: secretKey.optional(),
        })
        .optional(),
    digitalocean: z.strictObject({ tokenSecretRef: secretKey }).optional(),
    rfc2136: z
        .strictObject({
            nameserver: text,
            tsigKeyName: text.optional(),
            tsigAlgorithm: text.optional(),
            tsigSecretSecretRef: secretKey.optional(),
        })
        .optional(),
});

const mirror = text.refine((value) => /^(https?:\/\/|oci:\/\/|(?!~)[^:]+$)/.test(value), {
    error: "is neither a folder nor a chart repository",
    params: { fix: 'write "./charts", "https://…" or "oci://…"' },
});
const registry = text.refine((value) => /^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)*$/.test(value), {
    error: "is no registry",
    params: { fix: 'write a host without a scheme, as "registry.example.com:5000/mirror"' },
});

/** Every key of the stack config, without the project's prefix. Pulumi.yaml describes them to people. */
export const schema = z.strictObject({
    domain,
    internalDomain: domain.default("internal"),
    highAvailability: z.boolean().default(false),
    protect: z.boolean().default(false),
    istio: z
        .strictObject({
            cni: z.boolean().default(false),
            platform: z.enum(Platform).optional(),
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
            dns01: dns01.optional(),
        })
        .prefault({}),
    gateways: z
        .strictObject({ external: externalGateway.prefault({}), internal: internalGateway.prefault({}) })
        .prefault({}),
    bookinfo: z
        .strictObject({
            enabled: z.boolean().default(true),
            hosts: z.array(host).min(1).optional(),
            reviews: reviews.default({ v1: 80, v2: 20, v3: 0 }),
        })
        .prefault({}),
    routes: z.array(route).default([]),
    charts: z.strictObject({ mirror: mirror.optional() }).prefault({}),
    images: z.strictObject({ registry: registry.optional() }).prefault({}),
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
