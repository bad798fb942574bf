package io.netpark.core.sys;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.TimeUnit;

/**
 * The one place where a duration becomes an instant, or a number for the kernel. Instants are values of a {@link Clock}, which
 * computes those that count from now. They are compared by difference, and a difference says nothing once it overflows. So every
 * instant from here is near enough to now that no difference overflows. {@link #FOREVER} stands for everything longer,
 * {@code Duration.ofSeconds(Long.MAX_VALUE)} and Kotlin's {@code Duration.INFINITE} included. No duration is too long for
 * these methods.
 */
public final class Due {

    /** In nanoseconds, 146 years: as far from now as an instant can be. */
    public static final long FOREVER = Long.MAX_VALUE / 2;

    /**
     * As a timeout setting: none. So is anything else of at least {@link #FOREVER}, {@code Duration.ofSeconds(Long.MAX_VALUE)}
     * for one.
     */
    public static final Duration INFINITE = ChronoUnit.FOREVER.getDuration();

    /** Nearer than {@link #FOREVER}: the two extremes must stay comparable while time goes on. */
    private static final long LONG_AGO = -(Long.MAX_VALUE / 4);

    private Due() {}

    /** The instant that is so many nanoseconds, at most {@link #FOREVER}, after another one, which is about now. */
    public static long after(long instant, long nanos) {
        return instant + Math.max(LONG_AGO, Math.min(FOREVER, nanos));
    }

    /** In nanoseconds, at most {@link #FOREVER}. What is negative stays so. */
    public static long nanos(Duration time) {
        long seconds = time.getSeconds();
        long most = TimeUnit.NANOSECONDS.toSeconds(FOREVER);
        return seconds >= most ? FOREVER : seconds <= -most ? -FOREVER : time.toNanos();
    }

    /**
     * In nanoseconds, at most {@link #FOREVER}.
     *
     * @param what for the message, such as {@code timeout}
     * @throws IllegalArgumentException if it is negative
     */
    public static long notNegativeNanos(Duration time, String what) {
        if (time.isNegative()) {
            throw new IllegalArgumentException("the " + what + " cannot be negative: " + time);
        }
        return nanos(time);
    }

    /**
     * A timeout setting in nanoseconds, {@link #FOREVER} for none.
     *
     * @param what for the message, such as {@code read timeout}
     * @throws IllegalArgumentException if it is not positive
     */
    public static long timeoutNanos(Duration time, String what) {
        if (time.isNegative() || time.isZero()) {
            throw new IllegalArgumentException("the " + what + " must be positive: " + time + "; Due.INFINITE is none");
        }
        return nanos(time);
    }

    /**
     * For a timeout in nanoseconds, {@link #FOREVER} or more for none.
     *
     * @throws IllegalArgumentException if it is not positive
     */
    public static void requirePositive(long nanos) {
        if (nanos <= 0) {
            throw new IllegalArgumentException("a timeout must be positive: " + nanos + " ns; Due.FOREVER is none");
        }
    }

    /** In milliseconds, at most {@link #FOREVER}: to be read by people. */
    public static long millis(Duration time) {
        return TimeUnit.NANOSECONDS.toMillis(nanos(time));
    }

    /** The same, or {@link #FOREVER}, which can be added to and converted. */
    public static Duration atMostForever(Duration time) {
        long nanos = nanos(time);
        return nanos == FOREVER || nanos == -FOREVER ? Duration.ofNanos(nanos) : time;
    }

    /** For the kernel: rounded up, so that what is short does not become none at all, and at most what an int can hold. */
    public static int kernelMillis(long nanos) {
        return roundedUp(nanos, TimeUnit.MILLISECONDS.toNanos(1));
    }

    /** As {@link #kernelMillis(long)}. */
    public static int kernelMillis(Duration time) {
        return kernelMillis(nanos(time));
    }

    /** In seconds, as {@link #kernelMillis(long)}. */
    public static int kernelSeconds(Duration time) {
        return roundedUp(nanos(time), TimeUnit.SECONDS.toNanos(1));
    }

    /** Away from zero: what is negative does not become none either. */
    private static int roundedUp(long nanos, long unit) {
        long count = nanos / unit + Long.signum(nanos % unit);
        return (int) Math.max(Integer.MIN_VALUE, Math.min(Integer.MAX_VALUE, count));
    }
}
