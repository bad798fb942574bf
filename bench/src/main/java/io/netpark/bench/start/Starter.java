package io.netpark.bench.start;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.run.Contender;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A server that is started again and again in one way: with an archive of classes or without. */
final class Starter {

    private final Contender contender;
    private final boolean isPrepared;
    private final List<Start> starts = new ArrayList<>();
    private @Nullable Archive archive;
    private @Nullable String failure;

    Starter(Contender contender, boolean isPrepared) {
        this.contender = contender;
        this.isPrepared = isPrepared;
    }

    Contender contender() {
        return contender;
    }

    boolean isPrepared() {
        return isPrepared;
    }

    /** For a line of progress. */
    String label() {
        return contender.label() + (isPrepared ? " with " + Archive.kind() : "");
    }

    /** Makes the archive, if it needs one, and starts once: later its files are in the page cache. */
    void warmUp(Cores cores) {
        guarded(() -> {
            if (isPrepared) {
                archive = Archive.rehearse(contender, cores);
            }
            start(cores);
        });
    }

    /** Starts once more, and keeps what was measured. One that fails drops out. */
    void play(Cores cores) {
        guarded(() -> starts.add(start(cores)));
    }

    private Start start(Cores cores) {
        Archive made = archive;
        return Start.of(contender, made == null ? List.of() : made.options(), cores);
    }

    private void guarded(Runnable step) {
        if (failure == null) {
            try {
                step.run();
            } catch (BenchFailure e) {
                failure = e.getMessage();
            }
        }
    }

    /** One a round; fewer if it has failed. */
    List<Start> starts() {
        return Collections.unmodifiableList(starts);
    }

    /** Why it dropped out; empty if it has not. */
    Optional<String> failure() {
        return Optional.ofNullable(failure);
    }
}
