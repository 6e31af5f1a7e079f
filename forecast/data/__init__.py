"""What was observed? Tables in and out, the calendar, the panel and its parts."""
