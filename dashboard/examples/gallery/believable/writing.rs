//! Documents in every format that a distribution may be described in, each with something in it that attacks the page.

/// By their paths.
pub(crate) const DOCUMENTS: [(&str, &str); 5] = [
    ("doc/reference.rst", RST),
    ("doc/manual.adoc", ASCIIDOC),
    ("doc/perl.pod", POD),
    ("doc/page.html", HTML),
    ("doc/tutorial.md", MARKDOWN),
];

const RST: &str = "=========
Reference
=========

.. contents::

Assertions
==========

``ok(boolean, description)`` tells whether a condition holds, see the tutorial_::

  SELECT ok( 9 ^ 2 = 81, 'simple exponential' );

.. warning:: A test without a plan may end before it begins.

.. image:: javascript:alert(1)
   :target: javascript:alert(2)

Options
-------

-d DB, --dbname=DB  Where to.
--verbose           Say `more <javascript:alert(3)>`_.

Kinds
-----

========  ======
Kind      Passes
========  ======
``ok``    yes
``isnt``  no
========  ======

.. raw:: html

   <script>alert(4)</script>

.. _tutorial: tutorial.md
";

const ASCIIDOC: &str = "= Manual
:ext: pgTAP

{ext} is installed with:

[source,console]
----
$ make install # as root <1>
----
<1> Or with `pgxn`.

== Use

NOTE: Every test is a function, as in link:reference.rst[the reference] and link:javascript:alert(1)[nowhere].

* Plan
** how many
* Run

[options=\"header\"]
|===
|Function |Returns
|`plan(n)` |text
|`finish()` |setof text
|===

=== More

++++
<img src=x onerror=alert(2)>
++++

== Remove

. Drop it.
+
[source,sql]
----
DROP EXTENSION pgtap; -- all of it
----
";

const POD: &str = "=head1 NAME

pgtap - tests B<in> the database

=head1 SYNOPSIS

  SELECT plan(1);
  SELECT pass();

=head1 FUNCTIONS

=over

=item C<plan(integer)>

Says how many, see L</NAME> and L<here|javascript:alert(1)>.

=item C<pass()>

Passes. I<Always.>

=back

=begin html

<script>alert(2)</script>

=end html

=cut
";

const HTML: &str =
    "<!DOCTYPE html><html><head><title>Page</title><style>*{display:none}</style></head><body onload=alert(1)>
<h1>Page</h1><p style=\"position:fixed\" class=\"verdict-box\" id=main>Text with <a href=\"reference.rst\">a link</a>.
<form action=/x><input name=q></form><iframe src=https://evil.example></iframe>
<h2>One</h2><p>First<h2>Two</h2><p>Second<script>alert(2)</script>
<table border=1><tr><td>a<td>b</table></body></html>
";

const MARKDOWN: &str = "# Tutorial

Tests are functions. [Everything](reference.rst#assertions) is in [the manual](manual.html), and the licence is [here](/LICENSE).

[![Build](https://evil.example/badge.svg)](https://example.org/builds) [gone](gone.md)

## Write one

```sql
-- A test in a transaction that leaves nothing behind, however it ends, and with a line that is too wide for a phone
BEGIN;
SELECT plan(2);
SELECT is( (SELECT count(*) FROM users)::int, 42, 'All are ''there''' );
SELECT * FROM finish();
ROLLBACK;
```

## Run it

| with       | how            |
|------------|----------------|
| `pg_prove` | `pg_prove *.sql` |
| `psql`     | `psql -f a.sql`  |

    $ pg_prove -d test test.sql

### In continuous integration

1. Install it.
2. Run it.

> Tests that nobody runs are wrong.

## Next <img src=x onerror=alert(1)>

<details><summary>More</summary>Read on.</details>
";
