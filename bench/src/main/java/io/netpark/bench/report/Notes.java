package io.netpark.bench.report;

import io.netpark.bench.machine.Measured;
import io.netpark.bench.run.Record;
import io.netpark.bench.run.Sample;
import java.util.ArrayList;
import java.util.List;

/**
 * Sentences below a table: who dropped out, who was not at its limit, and who was disturbed.
 *
 * @param who is measured: "server"
 * @param load who keeps it busy, with a verb: "The generator is"
 */
public record Notes(String who, String load) {

    /** Of servers. */
    public static final Notes OF_SERVERS = new Notes("server", "The generator is");

    /** Below this share of its core a server is not at its limit. */
    private static final double BUSY = 0.9;
    /** Above this share of the server's core, others make a difference. */
    private static final double DISTURBING = 0.05;

    /** Adds them. */
    public void add(Section section, List<Record> records) {
        List<String> starved = new ArrayList<>();
        List<String> disturbed = new ArrayList<>();
        List<String> thrownOut = new ArrayList<>();
        for (Record record : records) {
            record.failure().ifPresent(reason ->
                    section.note(record.contender().label() + " dropped out: " + reason));
            double server = Numbers.of(record.samples(), Sample::serverShare).median();
            double load = Numbers.of(record.samples(), Sample::loadShare).median();
            if (server < BUSY && load > server) {
                starved.add(share(record, server));
            }
            long out = record.samples().size() - record.undisturbed();
            if (out > 0) {
                thrownOut.add(record.contender().label() + " (" + out + " of " + record.samples().size() + ")");
            }
            double others = Numbers.of(record.samples(), Sample::othersShare).median();
            if (others > DISTURBING) {
                disturbed.add(share(record, others));
            }
        }
        if (!starved.isEmpty()) {
            section.note(load + " the bottleneck for " + String.join(", ", starved)
                    + " of its core: throughput and latency are not the " + who + "'s then, its CPU holds.");
        }
        if (!thrownOut.isEmpty()) {
            section.note("Rounds in which others had more than " + Numbers.text(100 * Measured.DISTURBING, 0) + " % of the " + who
                    + "'s core are in no ratio: " + String.join(", ", thrownOut) + ".");
        }
        if (!disturbed.isEmpty()) {
            section.note("Other processes were on the " + who + "'s core: " + String.join(", ", disturbed)
                    + " of the time. Throughput and latency suffer from that.");
        }
    }

    private static String share(Record record, double share) {
        return record.contender().label() + " (" + Numbers.text(100 * share, 0) + " %)";
    }
}
