package io.netpark.simulation.schedule;

/** Something that will happen at an instant of a {@link Timeline}. */
public interface Appointment {

    /** It will not happen. Nothing if it has happened. With the timeline's lock. */
    void cancel();
}
