package io.netpark.bench.jmh;

import io.netpark.bench.run.Folders;
import io.netpark.bench.run.Jvm;
import io.netpark.core.sys.Binding;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.Callable;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The small things, by JMH, with the bytes they allocate. */
@Command(
        name = "jmh",
        description = "JMH benchmarks of the small things, with the bytes allocated.",
        mixinStandardHelpOptions = true)
public final class JmhCommand implements Callable<Integer> {

    @Parameters(arity = "0..1", defaultValue = ".*", description = "Which, as a regular expression; all by default.")
    private String pattern = ".*";

    @Option(names = "--quick", description = "One fork, short iterations.")
    private boolean quick;

    @Override
    public Integer call() throws RunnerException, IOException {
        Path results = Files.createDirectories(Folders.results());
        ChainedOptionsBuilder options = new OptionsBuilder()
                .include(pattern)
                .param("binding", bindings())
                .jvmArgs(Jvm.flags().toArray(String[]::new))
                .addProfiler(GCProfiler.class)
                .shouldFailOnError(true)
                .resultFormat(ResultFormatType.JSON)
                .result(results.resolve("jmh.json").toString());
        if (quick) {
            options.forks(1).warmupIterations(3).warmupTime(TimeValue.milliseconds(300))
                    .measurementIterations(3).measurementTime(TimeValue.milliseconds(300));
        }
        new Runner(options.build()).run();
        return 0;
    }

    /** Those that work on this JDK. */
    private static String[] bindings() {
        return Arrays.stream(Binding.values())
                .filter(binding -> binding.unavailability() == null)
                .map(Binding::name)
                .toArray(String[]::new);
    }
}
