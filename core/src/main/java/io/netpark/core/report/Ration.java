package io.netpark.core.report;

import io.netpark.core.sys.Clock;
import io.netpark.core.sys.NetparkException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What comes often must not fill an operator's log. Of the reports of one {@link Kind} a few are passed on as they come, with their
 * stacks. The others are counted, and each {@link #PERIOD} one report tells how many they were, and the last of them. While a kind keeps
 * coming that is all that is said of it. Of what {@linkplain PeerFault peers} do the first is enough: the others differ by an address.
 *
 * <p>One ration is for all event loops of a group. There is an {@link Account} for each kind that is not quiet, for so many at most, and one
 * for all others.
 *
 * <p>Threads: any. The lock guards numbers. Nobody is called under it, and nothing waits. Throws nothing but an {@link OutOfMemoryError},
 * and then what is counted stays so.
 *
 * <p>For Netpark's own loops.
 */
public final class Ration {

    /** As a limit: everything is passed on. */
    public static final int UNLIMITED = Integer.MAX_VALUE;
    /** How many of a kind are passed on as they come, unless something else is said. */
    public static final int DEFAULT_LIMIT = 5;
    /** In the place of a time: there is nothing to tell. */
    public static final long NOTHING = -1;

    /** For how long the reports of a kind are counted. In nanoseconds of the {@link Clock}. */
    static final long PERIOD = TimeUnit.SECONDS.toNanos(10);
    static final int MOST_KINDS = 64;
    private static final int MOST_BY_PEERS = 1;

    private final Reporter reporter;
    private final Clock clock;
    private final int limit;
    private final Map<Kind, Account> accounts = new HashMap<>(2 * MOST_KINDS);
    /** Of the kinds for which there was no room, or no memory. */
    private final Account others = new Account();
    /** Whether {@link #tellWithoutLoop} has told, and when last. */
    private boolean hasToldWithoutLoop;
    private long toldWithoutLoop;
    /** Something is counted that no loop is going to tell: the next that counts something is asked to. */
    private boolean orphaned;

    /** @param limit how many of a kind are passed on as they come, at least 1 */
    public Ration(Reporter reporter, Clock clock, int limit) {
        this.reporter = reporter;
        this.clock = clock;
        this.limit = limit;
    }

    /** Before the first report. Has the reporter get ready, and does all that is done here once: what runs first is linked, which needs memory. */
    public void prepare() {
        reporter.prepare();
        long now = clock.nanoTime();
        Throwable nothing = new Throwable();
        account(Kind.of("", nothing), now).takes("", nothing, 0, now);
        Account.Summary summary = account(Kind.of("", nothing), now).end(now, true);
        if (summary != null) {
            text(summary);
        }
        accounts.clear();
    }

    /**
     * Passes a report on, or counts it.
     *
     * @param place the class that reports
     * @return in how many nanoseconds {@link #tell} has to be called; {@link #NOTHING} if that need not be, or is going to be
     */
    public long report(String place, String what, Throwable cause) {
        boolean passes = true;
        long due = NOTHING;
        Account.Summary before = null;
        if (limit != UNLIMITED) {
            Kind kind = kind(place, cause);
            long now = clock.nanoTime();
            synchronized (this) {
                Account account = account(kind, now);
                before = end(account, now, false);
                boolean owed = account.owes();
                passes = account.takes(what, cause, kind != null && kind.isByPeer() ? MOST_BY_PEERS : limit, now);
                if (!passes && (!owed || orphaned)) {
                    orphaned = false;
                    due = Math.max(0, account.left(now));
                }
            }
        }
        if (before != null) {
            pass(before);
        }
        if (passes) {
            LastResort.report(reporter, what, cause);
        }
        return due;
    }

    /**
     * Tells what was counted in the periods that are over.
     *
     * @return in how many nanoseconds there is more to tell; {@link #NOTHING} if nothing was counted
     */
    public long tell() {
        long now = clock.nanoTime();
        while (true) {
            Account.Summary next;
            synchronized (this) {
                next = endOne(now);
                if (next == null) {
                    return left(now);
                }
            }
            pass(next);
        }
    }

    /** Tells all that has been counted until now: nobody may come to tell it later. What comes meanwhile is counted for others to tell. */
    public void tellAll() {
        long now = clock.nanoTime();
        Account.@Nullable Summary[] told;
        synchronized (this) {
            told = new Account.Summary[accounts.size() + 1];
            int i = 0;
            for (Account account : accounts.values()) {
                told[i++] = end(account, now, true);
            }
            told[i] = end(others, now, true);
        }
        for (Account.Summary each : told) {
            if (each != null) {
                pass(each);
            }
        }
    }

    /**
     * Where there is no loop any more that could tell it later: tells all that has been counted until now, once a period at most, or
     * reports would be told one by one. What is counted in between is told by a loop that counts something of its own, or with the next
     * behind the period.
     */
    public void tellWithoutLoop() {
        long now = clock.nanoTime();
        synchronized (this) {
            if (hasToldWithoutLoop && now - toldWithoutLoop < PERIOD) {
                orphaned = true;
                return;
            }
            hasToldWithoutLoop = true;
            toldWithoutLoop = now;
        }
        tellAll();
    }

    // Under the lock

    private Account.@Nullable Summary endOne(long now) {
        for (Account account : accounts.values()) {
            Account.Summary ended = end(account, now, false);
            if (ended != null) {
                return ended;
            }
        }
        return end(others, now, false);
    }

    /** Null also if there is no memory to tell it: then it is told later. */
    private static Account.@Nullable Summary end(Account account, long now, boolean early) {
        try {
            return account.end(now, early);
        } catch (OutOfMemoryError e) {
            return null;
        }
    }

    private long left(long now) {
        long least = others.owes() ? others.left(now) : Long.MAX_VALUE;
        for (Account account : accounts.values()) {
            if (account.owes()) {
                least = Math.min(least, account.left(now));
            }
        }
        return least == Long.MAX_VALUE ? NOTHING : Math.max(0, least);
    }

    /** The one of a kind, or the common one. */
    private Account account(@Nullable Kind kind, long now) {
        if (kind == null) {
            return others;
        }
        Account known = accounts.get(kind);
        if (known != null) {
            return known;
        }
        try {
            if (accounts.size() >= MOST_KINDS) {
                forgetQuiet(now);
            }
            if (accounts.size() < MOST_KINDS) {
                Account made = new Account();
                accounts.put(kind, made);
                return made;
            }
        } catch (OutOfMemoryError e) {
            // Then it is one of many.
        }
        return others;
    }

    private void forgetQuiet(long now) {
        for (Iterator<Account> each = accounts.values().iterator(); each.hasNext(); ) {
            if (each.next().isQuiet(now)) {
                each.remove();
            }
        }
    }

    // Without it

    /** Null if there is no memory for it, or the cause, which may be a program's, does not say where it was thrown. */
    private static @Nullable Kind kind(String place, Throwable cause) {
        try {
            return Kind.of(place, cause);
        } catch (Throwable e) {
            return null;
        }
    }

    private void pass(Account.Summary summary) {
        try {
            LastResort.report(reporter, text(summary),
                    new Withheld(summary.count(), Duration.ofNanos(summary.nanos()), summary.cause()));
        } catch (Throwable noMemory) {
            LastResort.report(reporter, summary.last(), summary.cause());
        }
    }

    private static String text(Account.Summary summary) {
        long seconds = Math.max(1, TimeUnit.NANOSECONDS.toSeconds(summary.nanos()));
        return "And " + summary.count() + " more of this kind in the last " + seconds + " s, the last of them: " + summary.last() + ": "
                + oneLine(summary.cause());
    }

    private static String oneLine(Throwable cause) {
        String text;
        try {
            text = cause instanceof NetparkException ? String.valueOf(cause.getMessage()) : cause.toString();
        } catch (RuntimeException e) { // a program's exception may do anything
            text = cause.getClass().getName();
        }
        int end = 0;
        while (end < text.length() && !Character.isISOControl(text.charAt(end))) {
            end++;
        }
        return text.substring(0, end);
    }
}
