import { allClaims } from "./hosts";
import type { ConfigProblem } from "./problems";
import type { Settings } from "./schema";

/** Settings that are each valid but cannot hold together. What is wrong in itself is left out of `settings`. */
export function contradictions(settings: Partial<Settings>): ConfigProblem[] {
    return [
        ...claimedTwice(settings),
        ...gatewaysThatAreOff(settings),
        ...unusedDns01(settings),
        ...(settings.certificates?.issuer.startsWith("letsencrypt") ? letsEncrypt(settings) : []),
    ];
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

function gatewaysThatAreOff({ gateways, routes, bookinfo }: Partial<Settings>): ConfigProblem[] {
    if (!gateways) {
        return [];
    }
    const found: ConfigProblem[] = (routes ?? []).flatMap(({ gateway, host }, index) => {
        const reason = `the host "${host}" is to be served by a gateway that is off`;
        const fix = `set gateways.${gateway}.enabled to true`;
        return gateways[gateway].enabled ? [] : [{ path: `routes.${index}.gateway`, value: gateway, reason, fix }];
    });
    if (bookinfo?.enabled && !gateways.external.enabled && !gateways.internal.enabled) {
        const reason = "Bookinfo has no way in: both gateways are off";
        found.push({ path: "bookinfo.enabled", value: true, reason, fix: "set it to false, or enable a gateway" });
    } else if (bookinfo?.enabled && bookinfo.hosts && !gateways.external.enabled) {
        const reason = "public hosts are served by the external gateway, which is off";
        const fix = "take the hosts out, or set gateways.external.enabled to true";
        found.push({ path: "bookinfo.hosts", value: bookinfo.hosts, reason, fix });
    }
    return found;
}

function unusedDns01({ certificates }: Partial<Settings>): ConfigProblem[] {
    if (!certificates?.dns01 || (certificates.challenge === "dns01" && certificates.issuer !== "private-ca")) {
        return [];
    }
    const reason = "the DNS provider is given but not used";
    const fix = 'set certificates.challenge to "dns01" and the issuer to one of Let\'s Encrypt, or take it out';
    return [{ path: "certificates.dns01", value: certificates.dns01, reason, fix }];
}

/** What Let's Encrypt and its challenges demand. */
function letsEncrypt(settings: Partial<Settings>): ConfigProblem[] {
    const { certificates, gateways } = settings;
    const found: ConfigProblem[] = [];
    const add = (path: string, value: unknown, reason: string, fix: string) => found.push({ path, value, reason, fix });
    if (certificates?.email === undefined) {
        const reason = "Let's Encrypt wants an address for notices about expiring certificates";
        add("certificates.email", undefined, reason, "set it to an address that somebody reads");
    }
    for (const { path, host } of publicClaims(settings)) {
        const place = path === "bookinfo.hosts" && !settings.bookinfo?.hosts ? "domain" : path;
        if (!isPublic(host)) {
            const fix = 'own a public domain, or set certificates.issuer to "private-ca"';
            add(place, host, "Let's Encrypt issues for public domains only", fix);
        }
        if (host.startsWith("*") && certificates?.challenge === "http01") {
            const fix = 'name the hosts one by one, or set certificates.challenge to "dns01"';
            add(place, host, "Let's Encrypt issues wildcards by DNS-01 only", fix);
        }
    }
    if (certificates?.challenge === "dns01" && Object.keys(certificates.dns01 ?? {}).length !== 1) {
        const reason = "the DNS-01 challenge needs exactly one DNS provider";
        add("certificates.dns01", certificates.dns01, reason, "write it like { route53: { region: eu-west-1 } }");
    }
    if (certificates?.challenge === "http01" && gateways?.external.enabled === false) {
        const reason = "the HTTP-01 challenge is answered by the external gateway, which is off";
        const fix = 'set gateways.external.enabled to true, or the challenge to "dns01"';
        add("certificates.challenge", "http01", reason, fix);
    }
    const ranges = gateways?.external.loadBalancerSourceRanges;
    if (certificates?.challenge === "http01" && ranges && !ranges.includes("0.0.0.0/0")) {
        const reason = "Let's Encrypt checks HTTP-01 from addresses that nobody knows beforehand";
        const fix = 'let everybody in, or set certificates.challenge to "dns01"';
        add("gateways.external.loadBalancerSourceRanges", ranges, reason, fix);
    }
    return found;
}

function publicClaims(settings: Partial<Settings>) {
    return allClaims(settings).filter(({ gateway }) => gateway === "external");
}

/** Names that public CAs do not issue for: single labels and the domains reserved for private use (RFC 6761, 6762). */
function isPublic(host: string): boolean {
    return /\.[a-z][a-z0-9-]*[a-z0-9]$/.test(host) && !/\.(internal|local|localhost|test|invalid)$/.test(host);
}
