package io.netpark.callback.output;

import io.netpark.core.buffer.LinkBuffer;

/** The turn of somebody else to write. NOT thread safe. */
final class QueuedLoan extends Queued {

    final OutputBorrower borrower;

    QueuedLoan(OutputBorrower borrower, LinkBuffer after) {
        super(after);
        this.borrower = borrower;
    }
}
