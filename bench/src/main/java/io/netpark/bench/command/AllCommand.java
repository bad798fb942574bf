package io.netpark.bench.command;

import io.netpark.bench.run.Progress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Unmatched;

/** What compares servers, and what a loop costs: everything that fits into ten minutes, one after the other. */
@Command(
        name = "all",
        description = "Every benchmark but http, tls, file, proxy, dial, pool, redis, ktor, zerocopy, own, start and jmh;"
                + " with --quick in less than ten minutes.",
        mixinStandardHelpOptions = true)
final class AllCommand implements Callable<Integer> {

    private static final List<String> NAMES = List.of(
            "echo", "idle-beside", "pipeline", "frames", "churn", "stream", "idle", "wake", "multiplexers");

    /** Options of the benchmarks, passed on. */
    @Unmatched
    private List<String> options = new ArrayList<>();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        Progress progress = new Progress(System.err);
        int failed = 0;
        for (String name : NAMES) {
            List<String> arguments = new ArrayList<>(List.of(name));
            arguments.addAll(options);
            progress.say("== " + name);
            failed |= new CommandLine(new Bench())
                    .setExecutionExceptionHandler(spec.root().commandLine().getExecutionExceptionHandler())
                    .execute(arguments.toArray(String[]::new));
        }
        progress.say("== end");
        return failed;
    }
}
