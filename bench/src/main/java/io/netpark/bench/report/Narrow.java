package io.netpark.bench.report;

import io.netpark.bench.run.Record;
import io.netpark.bench.run.Sample;
import io.netpark.bench.run.Stop;
import java.util.List;

/**
 * Until the ratios to the first contender are known well enough, or time is up.
 *
 * @param width half of the widest 95 % interval, as a part of its median
 * @param atMostMillis since the first round
 */
public record Narrow(double width, long atMostMillis) implements Stop {

    @Override
    public boolean isEnough(List<Record> records, long spentMillis) {
        return spentMillis >= atMostMillis || widest(records) <= width;
    }

    /** Of the CPU's ratios; 0 if nobody is there to be compared. */
    private static double widest(List<Record> records) {
        List<Record> present = records.stream().filter(record -> !record.samples().isEmpty()).toList();
        return present.stream().skip(1)
                .map(record -> Pairs.ratios(record.samples(), present.get(0).samples(), sample -> (double) sample.cpu() / work(sample)))
                .mapToDouble(ratio -> (ratio.high() - ratio.low()) / 2 / ratio.median()).max().orElse(0);
    }

    private static long work(Sample sample) {
        return sample.requests() > 0 ? sample.requests() : sample.bytes();
    }
}
