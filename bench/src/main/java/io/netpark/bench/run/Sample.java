package io.netpark.bench.run;

import io.netpark.bench.machine.Measured;
import io.netpark.bench.machine.Meter.Usage;
import io.netpark.bench.run.LoadProcess.Done;
import org.HdrHistogram.Histogram;

/**
 * One contender in one round.
 *
 * @param requests completed
 * @param bytes received by the generator
 * @param nanos how long the round took
 * @param cpu nanoseconds of the server's process
 * @param kernelShare which part of them was the kernel's; coarse, sums of many rounds are not
 * @param loadCpu nanoseconds of the generator's process
 * @param othersCpu nanoseconds that the server's core was kept busy by anybody else; coarse
 * @param resident bytes of the server's process at the end of the round, connections open
 * @param allocated bytes on the server's heap during the round
 * @param latencies nanoseconds
 * @param life in which of its processes, from 0
 */
public record Sample(long requests, long bytes, long nanos, long cpu, double kernelShare, long loadCpu, long othersCpu, long resident,
        long allocated, Histogram latencies, int life) implements Measured {

    static Sample of(Done done, Usage usage) {
        return new Sample(done.requests(), done.bytes(), done.nanos(), usage.cpu(), usage.kernelShare(), usage.loadCpu(), usage.othersCpu(),
                usage.resident(), usage.allocated(), done.latencies(), 0);
    }

    Sample in(int life) {
        return new Sample(requests, bytes, nanos, cpu, kernelShare, loadCpu, othersCpu, resident, allocated, latencies, life);
    }

    /** CPU microseconds a request. */
    public double cpuMicros() {
        return cpu / 1e3 / requests;
    }

    public double requestsPerSecond() {
        return requests * 1e9 / nanos;
    }

    /** CPU seconds a gigabyte. */
    public double cpuSecondsPerGigabyte() {
        return (double) cpu / bytes;
    }

    public double gigabytesPerSecond() {
        return (double) bytes / nanos;
    }

    public double allocatedPerRequest() {
        return (double) allocated / requests;
    }

    /** Share of the time that the server computed. */
    public double serverShare() {
        return (double) cpu / nanos;
    }

    /** Share of the time that the generator computed. */
    public double loadShare() {
        return (double) loadCpu / nanos;
    }

    @Override
    public double othersShare() {
        return (double) othersCpu / nanos;
    }
}
