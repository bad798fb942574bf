package io.netpark.core.testing.fault;

import io.netpark.core.sys.LibC;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * Has every call of a program fail in turn, one a run, with each errno that its manual page has and for want of memory. The calls are
 * those that the program makes when none fails. Which thread makes a call first differs from run to run; so does, a little, which call
 * has which number.
 *
 * <p>System properties: {@code netpark.test.faults} is how many of the faults of a program are tried, chosen by a seed, or {@code all};
 * {@code netpark.test.seed} that seed, which is 1 by default. A failure names it.
 */
public final class FaultWalk {

    /** Of calls that a loop makes again and again only the first so many fail. */
    private static final int MOST_OF_ONE_CALL = 40;
    private static final int SAMPLE = 60;

    private static final String EXTENT = System.getProperty("netpark.test.faults", "");
    private static final long SEED = Long.getLong("netpark.test.seed", 1);

    private final Map<String, Integer> calls;

    private record Fault(String call, int number, int errno) {}

    /**
     * One run of a program, with what comes before and after.
     *
     * @param <K> on which kernel
     */
    @FunctionalInterface
    public interface Run<K extends LibC> {
        void survive(K kernel, FailingCall failing) throws Exception;
    }

    /** A program that is run when no call fails. */
    @FunctionalInterface
    public interface Program {
        void run(LibC libc) throws Exception;
    }

    private FaultWalk(Map<String, Integer> calls) {
        this.calls = calls;
    }

    /** Runs a program once, and counts its calls. */
    public static FaultWalk of(LibC kernel, Program program) throws Exception {
        Map<String, AtomicInteger> counts = new ConcurrentHashMap<>();
        LibC counting = (LibC) Proxy.newProxyInstance(FaultWalk.class.getClassLoader(), new Class<?>[] {LibC.class},
                (proxy, called, arguments) -> {
                    counts.computeIfAbsent(called.getName(), name -> new AtomicInteger()).incrementAndGet();
                    try {
                        return called.invoke(kernel, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getTargetException();
                    }
                });
        program.run(counting);
        Map<String, Integer> calls = new TreeMap<>();
        counts.forEach((call, count) -> calls.put(call, count.get()));
        return new FaultWalk(calls);
    }

    /**
     * Tries each fault, or some.
     *
     * @param kernels one for each run
     * @param run makes the program's calls by the C library of what it is given, and looks at what is left in the kernel
     */
    public <K extends LibC> void take(Supplier<K> kernels, Run<? super K> run) {
        for (Fault fault : chosen()) {
            K kernel = kernels.get();
            FailingCall failing = new FailingCall(kernel, fault.call, fault.number, fault.errno);
            try {
                run.survive(kernel, failing);
            } catch (Throwable e) {
                throw new AssertionError(failing + " (-Dnetpark.test.seed=" + SEED + "): " + e, e);
            }
        }
    }

    private List<Fault> chosen() {
        List<Fault> faults = new ArrayList<>();
        calls.forEach((call, count) -> {
            for (int number = 1; number <= Math.min(count, MOST_OF_ONE_CALL); number++) {
                for (int errno : Failures.errnos(call)) {
                    faults.add(new Fault(call, number, errno));
                }
                if (!Failures.errnos(call).isEmpty() && Failures.mayLackMemory(call)) {
                    faults.add(new Fault(call, number, Failures.NO_MEMORY));
                }
            }
        });
        if (EXTENT.equals("all")) {
            return faults;
        }
        Collections.shuffle(faults, new Random(SEED));
        return faults.subList(0, Math.min(faults.size(), EXTENT.isEmpty() ? SAMPLE : Integer.parseInt(EXTENT)));
    }
}
