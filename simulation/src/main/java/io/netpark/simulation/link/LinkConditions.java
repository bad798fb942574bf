package io.netpark.simulation.link;

import java.time.Duration;

/**
 * What it is like to send something from one host to another, the same in both directions. Immutable.
 *
 * <p>Streams keep their order whatever the jitter is, and lose nothing while the link is there. Datagrams overtake each other, if the
 * jitter lets them, and get lost.
 *
 * @param latency how long everything takes at least
 * @param jitter how much longer it takes at most, which is drawn by lot each time
 * @param bytesPerSecond how many bytes leave in a second, and what comes after them waits; {@link Long#MAX_VALUE} for any number
 * @param datagramLoss the share of datagrams that get lost, from 0 to 1
 */
public record LinkConditions(Duration latency, Duration jitter, long bytesPerSecond, double datagramLoss) {

    /** Nothing takes time, and nothing is lost. */
    public static final LinkConditions IDEAL = new LinkConditions(Duration.ZERO, Duration.ZERO, Long.MAX_VALUE, 0);

    /** @throws IllegalArgumentException if a time is negative, the bandwidth is not positive, or the loss is no share */
    public LinkConditions {
        if (latency.isNegative() || jitter.isNegative()) {
            throw new IllegalArgumentException("nothing arrives before it is sent: latency " + latency + ", jitter " + jitter);
        }
        if (bytesPerSecond <= 0) {
            throw new IllegalArgumentException("a link takes at least a byte a second, not " + bytesPerSecond + "; cut it instead");
        }
        if (!(datagramLoss >= 0 && datagramLoss <= 1)) {
            throw new IllegalArgumentException("a share is from 0 to 1, not " + datagramLoss);
        }
    }

    /** These, but for the latency. */
    public LinkConditions withLatency(Duration latency) {
        return new LinkConditions(latency, jitter, bytesPerSecond, datagramLoss);
    }

    /** These, but for the jitter. */
    public LinkConditions withJitter(Duration jitter) {
        return new LinkConditions(latency, jitter, bytesPerSecond, datagramLoss);
    }

    /** These, but for the bandwidth. */
    public LinkConditions withBytesPerSecond(long bytesPerSecond) {
        return new LinkConditions(latency, jitter, bytesPerSecond, datagramLoss);
    }

    /** These, but for the share of datagrams that get lost. */
    public LinkConditions withDatagramLoss(double datagramLoss) {
        return new LinkConditions(latency, jitter, bytesPerSecond, datagramLoss);
    }
}
