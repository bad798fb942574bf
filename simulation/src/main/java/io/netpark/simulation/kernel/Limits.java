package io.netpark.simulation.kernel;

/**
 * What a simulated kernel has. It can be changed while the kernel runs, by any thread.
 *
 * <p>Lowering a limit closes nothing.
 */
public final class Limits {

    private volatile int descriptors = 1 << 20;
    private volatile int files = Integer.MAX_VALUE;
    private volatile boolean memory = true;

    Limits() {}

    /** RLIMIT_NOFILE: numbers of descriptors are below this. More fail with EMFILE. */
    public void descriptors(int most) {
        descriptors = requirePositive(most);
    }

    /** fs.file-max: how many descriptions there are at once. More fail with ENFILE. */
    public void files(int most) {
        files = requirePositive(most);
    }

    /** Whether there is memory for new sockets (ENOBUFS) and other descriptions (ENOMEM). */
    public void memory(boolean isThere) {
        memory = isThere;
    }

    private static int requirePositive(int most) {
        if (most < 0) {
            throw new IllegalArgumentException("a limit is not negative, as " + most + " is");
        }
        return most;
    }

    int descriptors() {
        return descriptors;
    }

    int files() {
        return files;
    }

    boolean hasMemory() {
        return memory;
    }
}
