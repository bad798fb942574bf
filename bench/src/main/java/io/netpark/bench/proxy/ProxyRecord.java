package io.netpark.bench.proxy;

import io.netpark.bench.run.Sample;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** What a contender did in a match. The server of its samples is the proxy; the load, the generator with the upstream. */
public final class ProxyRecord {

    private final ProxyContender contender;
    private final List<Sample> samples = new ArrayList<>();
    private Optional<String> failure = Optional.empty();

    ProxyRecord(ProxyContender contender) {
        this.contender = contender;
    }

    public ProxyContender contender() {
        return contender;
    }

    void add(Sample sample) {
        samples.add(sample);
    }

    void fail(String reason) {
        failure = Optional.of(reason);
    }

    /** One a round; fewer if it failed. */
    public List<Sample> samples() {
        return Collections.unmodifiableList(samples);
    }

    /** Why it dropped out. */
    public Optional<String> failure() {
        return failure;
    }
}
