package io.netpark.bench.multiplex;

import io.netpark.core.linux.Linux;
import io.netpark.core.memory.NativeMemory;
import io.netpark.core.sys.Binding;
import io.netpark.core.sys.LibC;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * {@code Multiplex ACTIVE MILLIS COUNT…}: for each count of watched eventfds, of which so many are readable, prints
 * {@code NAME COUNT NANOS} for each multiplexer that can watch that many: the median time of looking once.
 */
public final class Multiplex {

    private static final int BATCH = 50;

    private Multiplex() {}

    /** Measures. */
    public static void main(String[] arguments) throws Exception {
        int active = Integer.parseInt(arguments[0]);
        long nanos = TimeUnit.MILLISECONDS.toNanos(Long.parseLong(arguments[1]));
        for (int i = 2; i < arguments.length; i++) {
            int[] fds = eventfds(Integer.parseInt(arguments[i]), active);
            if (Arrays.stream(fds).allMatch(fd -> fd < Select.SETSIZE)) {
                measure("select", Select::new, fds, active, nanos);
            }
            measure("poll", Poll::new, fds, active, nanos);
            measure("epoll", Epoll::new, fds, active, nanos);
            LibC libc = Binding.defaultLibC();
            Arrays.stream(fds).forEach(libc::close);
        }
        System.out.println("end");
    }

    /** The active ones spread evenly. */
    private static int[] eventfds(int count, int active) {
        LibC libc = Binding.defaultLibC();
        NativeMemory one = NativeMemory.allocate(Long.BYTES);
        one.buffer().putLong(0, 1);
        int[] fds = new int[count];
        for (int i = 0; i < count; i++) {
            fds[i] = libc.eventfd(0, Linux.EFD_NONBLOCK | Linux.EFD_CLOEXEC);
            if (fds[i] < 0) {
                throw new IllegalStateException("no more than " + i + " descriptors can be opened; see ulimit -n");
            }
        }
        for (int i = 0; i < active; i++) {
            libc.write(fds[(i + 1) * count / active - 1], one.address(), Long.BYTES);
        }
        return fds;
    }

    private static void measure(String name, Multiplexer.Factory factory, int[] fds, int active, long nanos)
            throws Exception {
        try (Multiplexer multiplexer = factory.open(fds)) {
            batches(multiplexer, active, nanos); // warm-up
            List<Long> batches = batches(multiplexer, active, nanos);
            batches.sort(null);
            System.out.println(name + " " + fds.length + " " + (double) batches.get(batches.size() / 2) / BATCH);
        }
    }

    private static List<Long> batches(Multiplexer multiplexer, int active, long nanos) {
        List<Long> batches = new ArrayList<>();
        long end = System.nanoTime() + nanos;
        long before;
        while ((before = System.nanoTime()) - end < 0) {
            for (int i = 0; i < BATCH; i++) {
                if (multiplexer.look() != active) {
                    throw new IllegalStateException(multiplexer + " did not find the " + active + " active descriptors");
                }
            }
            batches.add(System.nanoTime() - before);
        }
        return batches;
    }
}
