package io.netpark.core.testing.fault;

import io.netpark.core.sys.LibC;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Has every call of a program fail in turn, one a run, with each errno that its manual page has and for want of memory, and every
 * segment that its pool has to make. The calls are those that the program makes when none fails. Which thread makes a call first differs
 * from run to run; so does, a little, which call has which number. {@link FaultChoice} says how many are tried.
 */
public final class FaultWalk {

    private static final int SAMPLE = 60;

    private final Map<String, Integer> counts;

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
        void run(Calls calls) throws Exception;
    }

    private FaultWalk(Map<String, Integer> counts) {
        this.counts = counts;
    }

    /** Runs a program once, and counts its calls. */
    public static FaultWalk of(LibC kernel, Program program) throws Exception {
        CountedCalls calls = new CountedCalls(kernel);
        program.run(calls);
        return new FaultWalk(calls.counts());
    }

    /**
     * Tries each fault, or some.
     *
     * @param kernels one for each run
     * @param run makes the program's calls by what it is given, and looks at what is left in the kernel
     */
    public <K extends LibC> void take(Supplier<K> kernels, Run<? super K> run) {
        for (Fault fault : FaultChoice.of(counts, SAMPLE)) {
            K kernel = kernels.get();
            FailingCall failing = fault.on(kernel);
            try {
                run.survive(kernel, failing);
            } catch (Throwable e) {
                throw new AssertionError(failing + " (-Dnetpark.test.seed=" + FaultChoice.seed() + "): " + e, e);
            }
        }
    }
}
