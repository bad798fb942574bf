/**
 * Connections that are kept for later: to any number of destinations, each lent to one borrower at a time. The three APIs lend what a
 * {@link io.netpark.core.pool.Pool} holds, and differ only in how a borrower waits.
 *
 * <table>
 * <caption>What is where</caption>
 * <tr><td>Pool</td><td>what users of the core call: borrow, warm up, drain, close</td></tr>
 * <tr><td>Ledger</td><td>what there is and who wants it, under the one lock: Destination an address, Member a connection, Borrow a
 *     wish, Dialing a dial, Tally what has been counted</td></tr>
 * <tr><td>Waiting</td><td>borrowers who wait: their time, and how they are told</td></tr>
 * <tr><td>Stock</td><td>connections: from borrower to borrower, idle, closed; Sweep finds those whose time is over</td></tr>
 * <tr><td>Supply</td><td>dials what is wanted, with pauses after failures</td></tr>
 * <tr><td>Calling</td><td>calls of borrowers, which never nest deep</td></tr>
 * <tr><td>CheckedBorrow</td><td>when a connection must be checked before it is lent, and what comes of it</td></tr>
 * </table>
 *
 * <p>Under the lock nobody is called and no system call is made. The pool uses {@code net.dialing} to make connections and the watch
 * of {@code net.streams} to notice what happens to idle ones; nothing below knows of pools.
 */
@NullMarked
package io.netpark.core.pool;

import org.jspecify.annotations.NullMarked;
