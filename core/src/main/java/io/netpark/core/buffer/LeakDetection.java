package io.netpark.core.buffer;

import java.util.Locale;

/**
 * How closely a {@link SegmentPool} watches what it lends. Chosen for the process by
 * {@code -Dnetpark.leakDetection=off|sampled|paranoid}, or for one pool by its builder.
 */
public enum LeakDetection {

    /** Not at all: the cheapest. A release too many is found only if the segment has not been lent again. */
    OFF(0),

    /** One segment in 128 remembers where it was taken, and is reported if it is lost. Cheap enough for production. */
    SAMPLED(128),

    /**
     * Every segment remembers where it was taken and released. Released memory is filled with {@link #POISON}, and no
     * view is handed out twice. Slow: for tests.
     */
    PARANOID(1);

    /** What released memory contains at {@link #PARANOID}. */
    public static final byte POISON = (byte) 0xDB;

    private static final String PROPERTY = "netpark.leakDetection";

    /** One segment in so many is watched; 0 for none. */
    final int interval;

    LeakDetection(int interval) {
        this.interval = interval;
    }

    /**
     * The level for the process: the system property, or {@link #OFF}.
     *
     * @throws IllegalArgumentException if the property names no level
     */
    public static LeakDetection ofProcess() {
        String name = System.getProperty(PROPERTY, "off");
        for (LeakDetection level : values()) {
            if (level.name().equals(name.toUpperCase(Locale.ROOT))) {
                return level;
            }
        }
        throw new IllegalArgumentException("-D" + PROPERTY + "=" + name + ": use off, sampled or paranoid");
    }
}
