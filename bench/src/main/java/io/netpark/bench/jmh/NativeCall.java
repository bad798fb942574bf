package io.netpark.bench.jmh;

import io.netpark.core.linux.Linux;
import io.netpark.core.memory.NativeMemory;
import io.netpark.core.sys.Binding;
import io.netpark.core.sys.LibC;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** One call into the C library by each binding: one that succeeds, and one that says EAGAIN. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class NativeCall {

    /** {@code bench/run jmh} leaves out those that the running JDK does not have. */
    @Param({"FFM", "JNA"})
    public Binding binding = Binding.FFM;

    private final NativeMemory memory = NativeMemory.allocate(16);
    private LibC libc;
    private int eventfd;

    /** Opens an eventfd that is never readable. */
    @Setup
    public void open() {
        libc = binding.open();
        eventfd = libc.eventfd(0, Linux.EFD_NONBLOCK | Linux.EFD_CLOEXEC);
    }

    /** Closes it. */
    @TearDown
    public void close() {
        libc.close(eventfd);
    }

    /** fcntl(F_GETFL): succeeds, and does next to nothing in the kernel. */
    @Benchmark
    public int success() {
        return libc.fcntl(eventfd, Linux.F_GETFL, 0);
    }

    /** read of an empty eventfd: errno is captured. */
    @Benchmark
    public long again() {
        return libc.read(eventfd, memory.address(), Long.BYTES);
    }
}
