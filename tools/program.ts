/** Loads the program. Only when it is needed: it takes the whole Kubernetes SDK with it. */
export async function loadProgram(): Promise<() => unknown> {
    const { default: program } = await import("../index.js");
    return program;
}
