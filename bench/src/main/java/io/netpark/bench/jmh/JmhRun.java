package io.netpark.bench.jmh;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.run.Folders;
import io.netpark.bench.run.Jvm;
import java.util.Map;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.util.Statistics;

/** What JMH has measured of one benchmark: nanoseconds and bytes allocated each time. */
public record JmhRun(Statistics nanos, double allocated) {

    /**
     * Runs one. It says nothing meanwhile: what JMH prints goes into a file.
     *
     * @param log name of that file, and of what is measured in an error
     * @param benchmark its class and method
     * @param parameters the only value of each
     * @param quick one fork and short iterations
     */
    public static JmhRun of(String log, String benchmark, Map<String, String> parameters, int threads, boolean quick) {
        String output = Folders.target().resolve(log + ".log").toString();
        ChainedOptionsBuilder jmh = new OptionsBuilder()
                .include(benchmark.replace(".", "\\.") + "$")
                .threads(threads)
                .jvmArgs(Jvm.flags().toArray(String[]::new))
                .addProfiler(GCProfiler.class)
                .shouldFailOnError(true)
                .output(output);
        parameters.forEach(jmh::param);
        if (quick) {
            jmh.forks(1).warmupIterations(10).warmupTime(TimeValue.milliseconds(300)) // less shows code that is compiled anew still
                    .measurementIterations(5).measurementTime(TimeValue.milliseconds(200));
        }
        try {
            RunResult result = new Runner(jmh.build()).runSingle();
            return new JmhRun(result.getPrimaryResult().getStatistics(), allocated(result));
        } catch (RunnerException e) {
            throw new BenchFailure(log + ": " + e.getMessage() + "; see " + output);
        }
    }

    /** Bytes each time; NaN if the profiler could not tell. */
    private static double allocated(RunResult result) {
        for (String name : result.getSecondaryResults().keySet()) {
            if (name.endsWith("gc.alloc.rate.norm")) {
                return result.getSecondaryResults().get(name).getScore();
            }
        }
        return Double.NaN;
    }
}
