import { join } from "node:path";

/** An environment in which helm keeps its files in the given folder instead of the user's home. */
export function helmEnvironment(home: string): NodeJS.ProcessEnv {
    return {
        ...process.env,
        HELM_CACHE_HOME: join(home, "helm", "cache"),
        HELM_CONFIG_HOME: join(home, "helm", "config"),
        HELM_DATA_HOME: join(home, "helm", "data"),
    };
}
