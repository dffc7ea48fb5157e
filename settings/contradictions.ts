import { allClaims } from "./hosts";
import type { ConfigProblem } from "./problems";
import type { Settings } from "./schema";

/** Settings that are each valid but cannot hold together. */
export function contradictions(settings: Partial<Settings>): ConfigProblem[] {
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

/** Hosts that two routes claim: gateways would merge them in no defined order. */
function claimedTwice(settings: Partial<Settings>): ConfigProblem[] {
    const claims = allClaims(settings);
    return claims.flatMap(({ path, host }, index) => {
        const first = claims.slice(0, index).find((claim) => claim.host === host);
        const reason = `the host is claimed by ${first?.path ?? ""} already`;
        return first ? [{ path, value: host, reason, fix: "give each host to one route" }] : [];
    });
}
