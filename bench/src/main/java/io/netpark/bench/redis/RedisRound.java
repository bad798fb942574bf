package io.netpark.bench.redis;

import io.netpark.bench.machine.Measured;

/**
 * One contender in one round.
 *
 * @param requests answered
 * @param cpu nanoseconds of the server's process
 * @param othersCpu nanoseconds that the server's core was kept busy by anybody else; coarse
 * @param nanos how long it took, with the start of redis-benchmark
 * @param perSecond requests, by redis-benchmark
 * @param p50Micros by redis-benchmark, as the next
 * @param resident bytes of the server's process
 * @param allocated bytes on the server's heap
 */
public record RedisRound(long requests, long cpu, long othersCpu, long nanos, double perSecond, double p50Micros,
        double p99Micros, long resident, long allocated) implements Measured {

    /** CPU microseconds a request. */
    public double cpuMicros() {
        return cpu / 1e3 / requests;
    }

    public double allocatedPerRequest() {
        return (double) allocated / requests;
    }

    /** Share of the time, while requests were made, that the server computed. */
    public double serverShare() {
        return cpuMicros() * perSecond / 1e6;
    }

    @Override
    public double othersShare() {
        return (double) othersCpu / nanos;
    }
}
