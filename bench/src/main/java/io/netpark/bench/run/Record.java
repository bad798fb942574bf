package io.netpark.bench.run;

import io.netpark.bench.run.LoadProcess.Done;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.HdrHistogram.Histogram;

/** What a contender did in a match. */
public final class Record {

    private final Entrant contender;
    private final List<Sample> samples = new ArrayList<>();
    private OptionalDouble systemCalls = OptionalDouble.empty();
    private OptionalDouble systemCallsPerGigabyte = OptionalDouble.empty();
    private Optional<String> failure = Optional.empty();

    Record(Entrant contender) {
        this.contender = contender;
    }

    public Entrant contender() {
        return contender;
    }

    void add(Sample sample) {
        samples.add(sample);
    }

    void systemCalls(long calls, Done during) {
        systemCalls = OptionalDouble.of((double) calls / during.requests());
        systemCallsPerGigabyte = OptionalDouble.of(calls * 1e9 / during.bytes());
    }

    void fail(String reason) {
        failure = Optional.of(reason);
    }

    /** One a round; fewer if it failed. */
    public List<Sample> samples() {
        return Collections.unmodifiableList(samples);
    }

    /** Those of them in which nobody else had the core. */
    public long undisturbed() {
        return samples.stream().filter(sample -> !sample.isDisturbed()).count();
    }

    /** Which part of its CPU time was the kernel's, in all rounds together. */
    public double kernelShare() {
        double all = samples.stream().mapToLong(Sample::cpu).sum();
        return samples.stream().mapToDouble(sample -> sample.cpu() * sample.kernelShare()).sum() / all;
    }

    /** System calls a request, if they could be counted. */
    public OptionalDouble systemCalls() {
        return systemCalls;
    }

    /** System calls for each gigabyte that the generator received, if they could be counted. */
    public OptionalDouble systemCallsPerGigabyte() {
        return systemCallsPerGigabyte;
    }

    /** Why it dropped out. */
    public Optional<String> failure() {
        return failure;
    }

    /** Latencies of all rounds together. */
    public Histogram latencies() {
        Histogram all = new Histogram(samples.get(0).latencies());
        samples.forEach(sample -> all.add(sample.latencies()));
        return all;
    }
}
