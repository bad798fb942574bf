package io.netpark.bench.command;

import io.netpark.bench.report.Report;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** A benchmark that leaves a report. */
@Command(mixinStandardHelpOptions = true)
public abstract class Benchmark implements Callable<Integer> {

    @Mixin
    protected Options options = new Options();

    @Spec
    private CommandSpec spec;

    /** Its name on the command line and of its files. */
    protected final String name() {
        return spec.name();
    }

    protected abstract Report measure();

    @Override
    public Integer call() {
        Report report = measure();
        System.out.println(report.tables());
        options.progress.say("wrote " + report.write(options.results()));
        return 0;
    }
}
