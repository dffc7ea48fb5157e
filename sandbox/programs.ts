import { buildPrograms } from "./build";
import { stagesFile as stages } from "./commands";
import { pinnedVersions } from "./go";
import { SandboxError } from "./errors";
import { findInstalled } from "./installed";
import { ensureOpenApi } from "./openapi";
import type { Programs, Report } from "./types";

/**
 * Finds the programs of the sandbox: all of them in KUBEBUILDER_ASSETS or PATH in versions that fit together, or
 * those of the pinned Go modules, built into the user's cache by the first run.
 */
export async function ensurePrograms(report: Report): Promise<Programs> {
    if (process.platform === "win32") {
        throw new SandboxError(
            "Kubernetes' control plane does not run on Windows.",
            "Run this in the Windows Subsystem for Linux (https://learn.microsoft.com/windows/wsl), or name a cluster.",
        );
    }
    const installed = await findInstalled(report);
    if (installed !== undefined) {
        const { versions } = installed;
        report(
            `Programs found: Kubernetes ${versions.kubeApiserver}, etcd ${versions.etcd}, KWOK ${versions.kwok}, Helm ${versions.helm}`,
        );
        const programs = { ...installed.paths, stages };
        return { ...programs, swagger: await ensureOpenApi(programs, versions.kubeApiserver, report) };
    }
    const built = await buildPrograms(report);
    const version = (module: string) => pinnedVersions().version(module).slice(1);
    report(
        `Programs ready: Kubernetes ${version("k8s.io/kubernetes")}, etcd ${version("go.etcd.io/etcd/server/v3")}, ` +
            `KWOK ${version("sigs.k8s.io/kwok")}, Helm ${version("helm.sh/helm/v3")}`,
    );
    return { ...built, stages };
}
