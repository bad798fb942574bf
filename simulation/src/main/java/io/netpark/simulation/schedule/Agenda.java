package io.netpark.simulation.schedule;

import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/** What is due at which instant of a clock, in the order of the instants, and of the entries for the same instant. */
final class Agenda {

    /** Something that is due once. */
    static final class Entry implements Appointment, Comparable<Entry> {
        private final Agenda agenda;
        private final long instant;
        private final long number;
        private final Runnable action;

        private Entry(Agenda agenda, long instant, long number, Runnable action) {
            this.agenda = agenda;
            this.instant = instant;
            this.number = number;
            this.action = action;
        }

        @Override
        public void cancel() {
            agenda.entries.remove(this);
        }

        @Override
        public int compareTo(Entry other) {
            int order = Long.signum(instant - other.instant); // by difference: instants wrap around
            return order != 0 ? order : Long.compare(number, other.number);
        }
    }

    private final PriorityQueue<Entry> entries = new PriorityQueue<>();
    private long next;

    Entry add(long instant, Runnable action) {
        Entry entry = new Entry(this, instant, next++, action);
        entries.add(entry);
        return entry;
    }

    boolean isFirst(Entry entry) {
        return entries.peek() == entry;
    }

    /** How long it is from {@code now} to the first, at least 0; {@code none} if there is nothing. */
    long nanosToFirst(long now, long none) {
        Entry first = entries.peek();
        return first == null ? none : Math.max(0, first.instant - now);
    }

    /** Takes the first that is due. */
    @Nullable Runnable takeDue(long now) {
        Entry first = entries.peek();
        if (first == null || first.instant - now > 0) {
            return null;
        }
        entries.remove();
        return first.action;
    }
}
