package io.netpark.bench.yardstick;

import io.netpark.bench.command.Bench;
import io.netpark.bench.run.Folders;
import io.netpark.bench.run.Progress;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Runs one benchmark after the other, each with its part of the time that is left. */
@Command(
        name = "yardstick",
        description = "All tables by which Netpark is judged, within a time: own, echo, pipeline, frames, stream, churn, idle, wake, tail,"
                + " scale, start.",
        mixinStandardHelpOptions = true)
public final class YardstickCommand implements Callable<Integer> {

    private static final double MINUTES = 90;

    @Option(names = "--at-most", paramLabel = "MINUTES", description = "How long all of it takes, about; 90 by default. What comes late has"
            + " fewer rounds and wider intervals, and no benchmark begins when the time is over.")
    private double atMost = MINUTES;

    @Option(names = "--results", description = "Folder of the results; bench/results by default, and below it jdk-N for any JDK but 25.")
    private @Nullable Path results;

    @Override
    public Integer call() {
        Progress progress = new Progress(System.err);
        String folder = (results == null ? Folders.results() : results).toString();
        long end = System.nanoTime() + Math.round(atMost * 60e9);
        List<Step> steps = Step.all();
        int failed = 0;
        for (int i = 0; i < steps.size(); i++) {
            Step step = steps.get(i);
            double left = (end - System.nanoTime()) / 60e9;
            if (left <= 0) {
                progress.say("yardstick: no time for " + step.name());
                failed = 1;
                continue;
            }
            List<String> line = step.line(Step.minutesATable(steps.subList(i, steps.size()), left), folder);
            progress.say("yardstick: " + String.join(" ", line) + ", " + Math.round(left) + " minutes are left");
            failed |= Bench.commands().execute(line.toArray(String[]::new));
        }
        return failed;
    }
}
