package io.netpark.bench.machine;

import java.util.stream.LongStream;

/** Reads what a process uses, from its start to {@link #stop}. */
public final class Meter {

    /** After a run a process may still have something to do: connections to close. */
    private static final long AFTERMATH_MILLIS = 30;

    private final Metered process;
    private final Cores cores;
    private final long[] load;
    private final long allocated;
    private final long cpu;
    private final Ticks ticks;
    private final long loadCpu;
    private final long busy;

    /** A process that tells what it has allocated. */
    public interface Metered {

        /** The kernel's number of it. */
        long pid();

        /** Bytes its threads have allocated since it started; 0 for one that is not a JVM. */
        long allocated();
    }

    /**
     * What was used.
     *
     * @param cpu nanoseconds of the process
     * @param kernelShare which part of them was the kernel's; coarse
     * @param loadCpu nanoseconds of those who keep it busy
     * @param othersCpu nanoseconds that its core was kept busy by anybody else; of one that is not pinned, all cores on average; coarse
     * @param resident bytes of the process, now
     * @param allocated bytes on its heap
     */
    public record Usage(long cpu, double kernelShare, long loadCpu, long othersCpu, long resident, long allocated) {}

    private Meter(Metered process, Cores cores, long[] load) {
        pause(AFTERMATH_MILLIS);
        this.process = process;
        this.cores = cores;
        this.load = load;
        this.allocated = process.allocated();
        this.cpu = CpuClock.nanos(process.pid());
        this.ticks = Ticks.of(process.pid());
        this.loadCpu = loadCpu();
        this.busy = busy();
    }

    /**
     * Begins, when what was before is over.
     *
     * @param process on the server's core
     * @param load numbers of the processes that keep it busy
     */
    public static Meter start(Metered process, Cores cores, long... load) {
        return new Meter(process, cores, load);
    }

    /** Ends, when what was done is over. */
    public Usage stop() {
        pause(AFTERMATH_MILLIS);
        long busyMeanwhile = busy() - busy;
        long used = CpuClock.nanos(process.pid()) - cpu;
        return new Usage(used, Ticks.of(process.pid()).kernelShareSince(ticks), loadCpu() - loadCpu, others(busyMeanwhile, used),
                Memory.resident(process.pid()), process.allocated() - allocated);
    }

    private long busy() {
        return cores.server() < 0 ? Cores.allowed().stream().mapToLong(CoreClock::busy).sum() : CoreClock.busy(cores.server());
    }

    /** One that is not pinned shares all cores with its generator: of each, on average. */
    private long others(long busyMeanwhile, long used) {
        if (cores.server() >= 0) {
            return Math.max(0, busyMeanwhile - used);
        }
        return Math.max(0, busyMeanwhile - used - (loadCpu() - loadCpu)) / Math.max(1, Cores.allowed().size());
    }

    private long loadCpu() {
        return LongStream.of(load).map(CpuClock::nanos).sum();
    }

    /** Sleeps. */
    public static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchFailure("interrupted");
        }
    }
}
